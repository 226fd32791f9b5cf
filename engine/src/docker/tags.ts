import type Docker from "dockerode";
import { parseReference } from "../images/reference.ts";
import { isNotFound } from "./errors.ts";

/** Tags an image in the local Docker. */
export async function tagImage(docker: Docker, id: string, address: string): Promise<void> {
  const { tag } = parseReference(address);
  const named = address.endsWith(`:${tag}`);
  const repo = named ? address.slice(0, -tag.length - 1) : address;
  await docker.getImage(id).tag({ repo, tag });
}

/** Removes a tag, and the image if it has no other. */
export async function removeTag(docker: Docker, address: string): Promise<void> {
  try {
    await docker.getImage(address).remove({ noprune: true } as never);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
