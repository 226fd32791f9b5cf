import type { Readable } from "node:stream";
import { UserError } from "../core/errors.ts";
import { imageId } from "./image-id.ts";
import type { Run } from "./run.ts";

/** Loads an image archive into Docker; returns the image's ID. */
export async function loadArchive(
  run: Pick<Run, "docker" | "store">,
  blob: string,
  tag: string,
): Promise<string> {
  const stream = (await run.docker.loadImage(run.store.readBlob(blob), {
    quiet: true,
  })) as unknown as Readable;
  const text = Buffer.concat(await stream.toArray()).toString();
  const loaded = [...text.matchAll(/Loaded image(?: ID)?: ([^\s"\\]+)/g)].map(([, name]) => name as string);
  const chosen = tag ? loaded.find((name) => name.endsWith(`:${tag}`)) : loaded[0];
  const id = chosen && (await imageId(run.docker, chosen));
  if (!id) {
    throw new UserError(
      `import: the archive holds ${loaded.length === 0 ? "no image" : loaded.join(", ")}${tag ? `, none with tag ${tag}` : ""}`,
    );
  }
  return id;
}
