import type Docker from "dockerode";
import type { Session } from "../session/session.ts";
import { packTree } from "../store/archive.ts";
import type { Tree } from "../store/tree.ts";

/** Puts a tree into a container's file system. A folder is never replaced by a file, nor a link to one by a folder. */
export async function putTree(
  session: Session,
  container: Docker.Container,
  tree: Tree,
  path = "/",
): Promise<void> {
  await container.putArchive(packTree(session.store, tree), { path, noOverwriteDirNonDir: "true" } as never);
}
