import type Docker from "dockerode";
import { withLock } from "../images/lock.ts";
import { parseReference } from "../images/reference.ts";
import { digestOf } from "../store/store.ts";
import { isNotFound } from "./errors.ts";
import { imageId } from "./image-id.ts";

/** Tags an image in the local Docker. */
export async function tagImage(docker: Docker, id: string, address: string): Promise<void> {
  const { tag } = parseReference(address);
  const named = address.endsWith(`:${tag}`);
  const repo = named ? address.slice(0, -tag.length - 1) : address;
  await docker.getImage(id).tag({ repo, tag });
}

/**
 * Tags an image while `use` runs, then restores the tag's previous image. Docker pushes what has the tag, so only one process
 * at a time may use it.
 */
export async function withTag<T>(
  docker: Docker,
  id: string,
  address: string,
  use: () => Promise<T>,
): Promise<T> {
  return withLock(`tag-${digestOf(address).slice(0, 32)}`, async () => {
    const before = await imageId(docker, address);
    await tagImage(docker, id, address);
    try {
      return await use();
    } finally {
      if (before) await tagImage(docker, before, address);
      else await removeTag(docker, address);
    }
  });
}

/** Removes a tag, and the image if it has no other. */
export async function removeTag(docker: Docker, address: string): Promise<void> {
  try {
    await docker.getImage(address).remove({ noprune: true } as never);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
