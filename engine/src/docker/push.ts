import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { Registry, Upload } from "../client/registry.ts";
import { digestOf } from "../store/store.ts";
import { ofLayers, type SavedImage, type SavedLayer, withSavedImage } from "./image-archive.ts";
import { type ArchiveOptions, type Blob, describeImage } from "./oci-image.ts";
import type { Run } from "./run.ts";

export interface Push {
  /** The image's ID in Docker. */
  id: string;
  registry: Registry;
  tag: string;
  options: ArchiveOptions;
  /** Repeats a request after temporary failures; the request calls `heard` at each sign of life. */
  repeat<T>(request: (heard: () => void) => Promise<T>): Promise<T>;
  log(text: string): void;
}

type Pushing = Pick<Run, "docker" | "store" | "limit">;

/** What was pushed of an image: enough for its manifest. */
interface Pushed {
  config: string;
  layers: Pick<Blob, "digest" | "size">[];
}

/** Pushes an image of Docker's to a registry; returns the digest of its manifest. */
export async function pushImage(run: Pushing, push: Push): Promise<string> {
  const key = digestOf("push", push.id, push.options.gzip ?? 0);
  const before = run.store.getResult<Pushed>("pushes", key);
  if (before && (await hasLayers(push, before))) return putManifest(push, before);
  const saved = (await run.docker.getImage(push.id).get()) as unknown as Readable;
  return withSavedImage(saved, async (image) => {
    const layers = await ofLayers(image, (layer) => run.limit(() => pushLayer(run, push, image, layer)));
    const pushed = { config: image.config.content.toString(), layers };
    await run.store.putResult("pushes", key, pushed);
    return putManifest(push, pushed);
  });
}

async function hasLayers(push: Push, { layers }: Pushed): Promise<boolean> {
  const found = await Promise.all(layers.map((layer) => isThere(push, layer)));
  return !found.includes(false);
}

function isThere({ registry, repeat }: Push, { digest }: Pick<Blob, "digest">): Promise<boolean> {
  return repeat(() => registry.has(`blobs/sha256:${digest}`));
}

/** Pushes a layer, unless the registry has it: what it becomes when it is compressed is known from before. */
async function pushLayer(
  run: Pushing,
  push: Push,
  image: SavedImage,
  layer: SavedLayer,
): Promise<Pick<Blob, "digest" | "size">> {
  const { gzip } = push.options;
  const key = digestOf("layer", layer.diffId, gzip ?? 0);
  const known = run.store.getResult<Pick<Blob, "digest" | "size">>("layers", key);
  if (known && (await isThere(push, known))) return known;
  const { digest, size, path } = await image.blobOf(layer, gzip);
  await upload(push, { digest: `sha256:${digest}`, size, open: () => createReadStream(path) });
  await run.store.putResult("layers", key, { digest, size });
  return { digest, size };
}

async function upload({ registry, repeat, log }: Push, blob: Upload): Promise<void> {
  await repeat((heard) => {
    const open = (): Readable | Buffer => {
      const body = blob.open();
      return Buffer.isBuffer(body) ? body : body.on("data", heard);
    };
    return registry.uploadBlob({ ...blob, open });
  });
  log(`pushed ${blob.digest}\n`);
}

async function putManifest(push: Push, { config: text, layers }: Pushed): Promise<string> {
  const { registry, tag, options, repeat } = push;
  const content = Buffer.from(text);
  const config = { digest: createHash("sha256").update(content).digest("hex"), size: content.length };
  await upload(push, { digest: `sha256:${config.digest}`, size: config.size, open: () => content });
  const { manifest, mediaType } = describeImage(config, layers, options);
  await repeat(() => registry.putManifest(tag, mediaType, manifest.content));
  return `sha256:${manifest.digest}`;
}
