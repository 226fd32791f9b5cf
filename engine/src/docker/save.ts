import type { Readable } from "node:stream";
import type { ContainerState } from "../core/values.ts";
import { withFinishedImage } from "./held-image.ts";
import { withImageArchive } from "./image-archive.ts";
import type { ArchiveOptions } from "./oci-image.ts";
import type { ImageMaking, Run } from "./run.ts";

/** Writes a state as an image archive: an OCI layout that `docker load` takes, too. */
export async function saveImage(
  run: ImageMaking & Pick<Run, "id">,
  state: ContainerState,
  options: Omit<ArchiveOptions, "annotations">,
): Promise<{ digest: string; size: number }> {
  const { annotations } = state;
  return withFinishedImage(run, state, async (id) => {
    const saved = (await run.docker.getImage(id).get()) as unknown as Readable;
    return withImageArchive(saved, { ...options, annotations }, (archive) => run.store.writeBlob(archive));
  });
}
