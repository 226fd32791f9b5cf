import type Docker from "dockerode";
import { packTree } from "../store/archive.ts";
import type { Store } from "../store/store.ts";
import type { Tree } from "../store/tree.ts";

/** Copies a tree into a container's file system. A file never replaces a folder, nor a folder a link to a folder. */
export async function putTree(
  store: Store,
  container: Docker.Container,
  tree: Tree,
  path = "/",
): Promise<void> {
  await container.putArchive(packTree(store, tree), { path, noOverwriteDirNonDir: "true" } as never);
}
