import { readdir } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { ImageError } from "./errors.ts";

interface BuildEvent {
  stream?: string;
  error?: string;
  aux?: { ID?: string };
}

/** Builds the Dockerfile in `context` and returns the image's id. Leaves no container and no tag behind when it fails. */
export async function build(
  docker: Docker,
  context: string,
  options: Docker.ImageBuildOptions,
): Promise<string> {
  const src = await readdir(context);
  const stream = await docker.buildImage({ context, src }, { rm: true, forcerm: true, ...options });
  let output = "";
  let id = "";
  const end = new Promise<void>((resolve, reject) => {
    const note = (event: BuildEvent) => {
      output += event.stream ?? "";
      id = event.aux?.ID ?? id;
    };
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()), note);
  });
  await end.catch((error: Error) => {
    throw new ImageError("BUILD_FAILED", error.message, output);
  });
  return id;
}

/** The local image `name`, if there is one. */
export async function imageOrNothing(
  docker: Docker,
  name: string,
): Promise<Docker.ImageInspectInfo | undefined> {
  return docker
    .getImage(name)
    .inspect()
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode === 404) return undefined;
      throw error;
    });
}

/** What a command prints when it is run in an image, without its entry point and without a network. */
export async function outputOf(docker: Docker, image: string, command: readonly string[]): Promise<string> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: [],
    Cmd: [...command],
    NetworkDisabled: true,
    Tty: true, // one stream instead of Docker's framed two
  });
  try {
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const chunks: Buffer[] = [];
    stream.pipe(new PassThrough()).on("data", (chunk: Buffer) => chunks.push(chunk));
    await container.start();
    const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
    const output = Buffer.concat(chunks).toString();
    if (code === 0) return output;
    throw new ImageError("BUILD_FAILED", `${command.join(" ")} exits with ${code} in the new image:`, output);
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Removes an image that a newer one has replaced, unless it has another name or something is made of it. */
export async function removeReplaced(docker: Docker, id: string): Promise<void> {
  const image = await imageOrNothing(docker, id);
  if (image && image.RepoTags.length === 0)
    await docker
      .getImage(id)
      .remove()
      .catch(() => {});
}
