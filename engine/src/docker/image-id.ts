import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import tarStream from "tar-stream";
import { isNotFound } from "./errors.ts";

const EMPTY_IMAGE = "stackline/scratch:latest";

/** ID of an image without files, used for scratch. */
export async function emptyImage(docker: Docker): Promise<string> {
  const found = await imageId(docker, EMPTY_IMAGE);
  if (found) return found;
  const pack = tarStream.pack();
  pack.finalize();
  const stream = (await docker.importImage(
    pack as unknown as NodeJS.ReadableStream,
    {
      repo: "stackline/scratch",
      tag: "latest",
    } as never,
  )) as unknown as Readable;
  await text(stream);
  return (await imageId(docker, EMPTY_IMAGE)) as string;
}

export async function imageId(docker: Docker, ref: string): Promise<string | undefined> {
  try {
    return (await docker.getImage(ref).inspect()).Id;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
