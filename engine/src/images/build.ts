import { readdir } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { DockerConnectionError } from "../client/connection-error.ts";
import { ImageError } from "./errors.ts";
import { exitCodeOf } from "./exit-code.ts";
import { follow } from "./progress.ts";

/** Builds the Dockerfile in `context` and returns the image's ID. A failed build leaves no container or tag behind. */
export async function build(
  docker: Docker,
  context: string,
  options: Docker.ImageBuildOptions,
): Promise<string> {
  const src = await readdir(context);
  const stream = await docker.buildImage({ context, src }, { rm: true, forcerm: true, ...options });
  let output = "";
  let id = "";
  const followed = follow(docker, stream, (event) => {
    output += event.stream ?? "";
    id = event.aux?.ID ?? id;
  });
  await followed.catch(async (error: Error) => {
    if (error instanceof DockerConnectionError) throw error;
    await dropSteps(docker, output);
    throw new ImageError("BUILD_FAILED", error.message, output);
  });
  return id;
}

/** Removes the untagged images that Docker keeps of the steps before a failed one. */
async function dropSteps(docker: Docker, output: string): Promise<void> {
  const last = [...output.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].at(-1)?.[1];
  if (last) await removeReplaced(docker, last).catch(() => {});
}

/** The local image `name`, if it exists. */
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

/** Runs a command in an image, without its entry point, and returns its standard output. */
export async function outputOf(docker: Docker, image: string, command: readonly string[]): Promise<string> {
  const options = { Image: image, Entrypoint: [], Cmd: [...command] };
  const container = await docker.createContainer(options);
  try {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    docker.modem.demuxStream(stream, out, err);
    stream.on("end", () => [out, err].map((side) => side.end()));
    await container.start();
    const [output, complaints, code] = await Promise.all([text(out), text(err), exitCodeOf(container)]);
    if (code === 0) return output;
    const summary = `${command.join(" ")} exits with code ${code} in the new image:`;
    throw new ImageError("BUILD_FAILED", summary, `${output}\n${complaints}`);
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Removes an image that a newer one has replaced, unless it has another name or is in use. */
export async function removeReplaced(docker: Docker, id: string): Promise<void> {
  const image = await imageOrNothing(docker, id);
  if (image && image.RepoTags.length === 0)
    await docker
      .getImage(id)
      .remove()
      .catch(() => {});
}
