import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import tarStream from "tar-stream";
import { UserError } from "../core/errors.ts";
import type { DockerConfig } from "./image-config.ts";
import { imageId } from "./image-id.ts";
import type { Run } from "./run.ts";

/**
 * ID of an image with the layers of another, an optional further layer, and exactly the given configuration. Docker has
 * no call for this: variables, labels and volumes that a container or commit inherits cannot be removed.
 * But an archive to load may omit layers that Docker already has.
 */
export async function configureImage(
  { docker, store }: Pick<Run, "docker" | "store">,
  image: Docker.ImageInspectInfo,
  config: DockerConfig,
  layer?: Buffer,
): Promise<string> {
  const own = layer ? [`sha256:${createHash("sha256").update(layer).digest("hex")}`] : [];
  const layers = [...(image.RootFS.Layers ?? []), ...own];
  const json = JSON.stringify({
    architecture: image.Architecture,
    os: image.Os,
    created: image.Created,
    config,
    rootfs: { type: "layers", diff_ids: layers },
    history: layers.map(() => ({ created: image.Created, created_by: "stackline" })),
  });
  const digest = createHash("sha256").update(json).digest("hex");
  const id = `sha256:${digest}`;
  if (await imageId(docker, id)) return id;
  const answer = await load(docker, digest, json, layers.length, layer);
  if (!(await imageId(docker, id))) {
    throw new UserError(
      `Docker does not accept an image's configuration without its layers (${answer.trim()}): turn off its containerd image store`,
    );
  }
  await store.putResult("images", digest, { image: id });
  return id;
}

/** An image with one more layer (a tar archive) and no configuration. */
export async function loadLayer(
  run: Pick<Run, "docker" | "store">,
  base: string,
  layer: Buffer,
): Promise<string> {
  return configureImage(run, await run.docker.getImage(base).inspect(), {}, layer);
}

async function load(
  docker: Docker,
  digest: string,
  config: string,
  count: number,
  last: Buffer | undefined,
): Promise<string> {
  const pack = tarStream.pack();
  const names = Array.from({ length: count }, (_, i) => `${i}/layer.tar`);
  pack.entry({ name: `${digest}.json` }, config);
  pack.entry(
    { name: "manifest.json" },
    JSON.stringify([{ Config: `${digest}.json`, RepoTags: null, Layers: names }]),
  );
  if (last) pack.entry({ name: names[count - 1] as string }, last);
  pack.finalize();
  const stream = pack as unknown as NodeJS.ReadableStream;
  return text((await docker.loadImage(stream, { quiet: true })) as unknown as Readable);
}
