import { chmodSync } from "node:fs";
import { basename, dirname } from "node:path";
import { packHostFiles } from "../store/archive.ts";
import { withIdleContainer } from "./bake.ts";
import { emptyImage } from "./image-id.ts";
import type { Ownership, Run } from "./run.ts";

/** A host file, and the owner and mode that a container is to see. */
export interface OwnedFile {
  path: string;
  ownership: Ownership;
}

/**
 * Gives host files their owners. Only root can, so for the engine of an ordinary user Docker writes the files again, into the
 * same folders, through a container that has them mounted.
 */
export async function giveOwners(
  run: Pick<Run, "docker" | "createContainer">,
  files: readonly OwnedFile[],
): Promise<void> {
  if (process.getuid?.() === 0 || files.length === 0) return;
  const folders = [...new Set(files.map(({ path }) => dirname(path)))];
  const entries = files.map(({ path, ownership: { uid = 0, gid = 0, mode = 0o400 } }) => {
    // The requested mode may not let this user read it.
    chmodSync(path, 0o600);
    return { path, name: `${folders.indexOf(dirname(path))}/${basename(path)}`, uid, gid, mode };
  });
  await withIdleContainer(
    run,
    await emptyImage(run.docker),
    (container) => container.putArchive(packHostFiles(entries), { path: "/" }),
    folders.map((folder, i) => `${folder}:/${i}`),
  );
}
