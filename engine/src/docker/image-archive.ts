import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import tarStream from "tar-stream";
import { UserError } from "../core/errors.ts";
import { withTempDir } from "../images/host.ts";
import { digestFile } from "../store/digest.ts";
import { type ArchiveOptions, type Blob, describeImage } from "./oci-image.ts";

interface SavedManifest {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[];
}

/** An image that `docker save` wrote, unpacked. */
export interface SavedImage {
  config: Blob & { content: Buffer };
  tags: string[] | null;
  layers: SavedLayer[];
  /** A layer as a file, compressed if there is a level of gzip; equal layers are compressed once. */
  blobOf(layer: SavedLayer, gzip?: number): Promise<LayerBlob>;
}

export interface SavedLayer {
  /** Digest of its content, which names it in the configuration. */
  diffId: string;
  path: string;
}

export type LayerBlob = Blob & { path: string };

/** The results of work on the layers of an image. Its files are needed until all of it has ended, also if some fails. */
export async function ofLayers<T>(
  { layers }: SavedImage,
  work: (layer: SavedLayer) => Promise<T>,
): Promise<T[]> {
  const all = layers.map(work);
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** Unpacks an archive of `docker save`; its files are available only while `use` runs. */
export function withSavedImage<T>(saved: Readable, use: (image: SavedImage) => Promise<T>): Promise<T> {
  return withTempDir(async (folder) => {
    const paths = await unpack(saved, folder);
    const pathOf = (name: string): string => {
      const path = paths.get(name);
      if (path === undefined) throw new UserError(`the image archive of Docker has no ${name}`);
      return path;
    };
    const [manifest] = JSON.parse(await readFile(pathOf("manifest.json"), "utf8")) as SavedManifest[];
    if (!manifest) throw new UserError("the image archive of Docker has no manifest");
    const given = await readFile(pathOf(manifest.Config));
    const { ids, config } = withoutEmptyLayers(given);
    const layers = manifest.Layers.map((name, at) => ({
      diffId: ids[at] as string,
      path: pathOf(name),
    })).filter(({ diffId }) => diffId !== EMPTY_LAYER);
    const blobs = new Map<string, Promise<LayerBlob>>();
    const layerBlob = ({ path }: SavedLayer, gzip?: number): Promise<LayerBlob> => {
      const made = blobs.get(path) ?? (gzip ? compress(path, gzip) : layerOf(path));
      blobs.set(path, made);
      return made;
    };
    return use({ config: blobOf(config), tags: manifest.RepoTags, layers, blobOf: layerBlob });
  });
}

/** Digest of a layer without files, such as that of an image made from nothing: it is left out. */
const EMPTY_LAYER = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

interface Configuration {
  rootfs: { diff_ids?: string[] };
  history?: { empty_layer?: boolean }[];
}

/** The digests of all layers that a configuration names, and the configuration without the empty ones. */
function withoutEmptyLayers(given: Buffer): { ids: string[]; config: Buffer } {
  const { rootfs, history, ...others } = JSON.parse(given.toString()) as Configuration;
  const ids = rootfs.diff_ids ?? [];
  if (!ids.includes(EMPTY_LAYER)) return { ids, config: given };
  let nth = 0;
  const config = {
    ...others,
    rootfs: { ...rootfs, diff_ids: ids.filter((id) => id !== EMPTY_LAYER) },
    ...(history && { history: history.filter((step) => step.empty_layer || ids[nth++] !== EMPTY_LAYER) }),
  };
  return { ids, config: Buffer.from(JSON.stringify(config)) };
}

/** Where the files of an archive are on disk, by their names and those of links to them. */
async function unpack(archive: Readable, folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  const extract = tarStream.extract();
  archive.on("error", (error) => extract.destroy(error));
  archive.pipe(extract);
  for await (const item of extract) {
    const { name, type, linkname } = item.header;
    if (type === "file") {
      const path = join(folder, String(files.size));
      files.set(name, path);
      await pipeline(item, createWriteStream(path));
      continue;
    }
    // Equal layers: the later ones are links to the first.
    if (type === "symlink") links.set(name, posix.join(posix.dirname(name), linkname ?? ""));
    item.resume();
  }
  for (const [name, target] of links) files.set(name, files.get(target) as string);
  return files;
}

async function compress(path: string, level: number): Promise<LayerBlob> {
  const target = `${path}.gz`;
  await pipeline(createReadStream(path), createGzip({ level }), createWriteStream(target));
  return layerOf(target);
}

/**
 * Rewrites an archive of `docker save` as the official engine exports an image: an OCI layout that `docker load` takes, too.
 * Equal archives give equal results.
 * @param use gets the new archive; it is available only meanwhile.
 */
export function withImageArchive<T>(
  saved: Readable,
  options: ArchiveOptions,
  use: (archive: Readable) => Promise<T>,
): Promise<T> {
  return withSavedImage(saved, async (image) => {
    const layers = await ofLayers(image, (layer) => image.blobOf(layer, options.gzip));
    const pack = tarStream.pack();
    const out = new PassThrough();
    pack.pipe(out);
    const [result] = await Promise.all([
      use(out),
      write(pack, image, layers, options).catch((error: Error) => out.destroy(error)),
    ]);
    return result;
  });
}

function blobOf(content: Buffer): Blob & { content: Buffer } {
  return { digest: createHash("sha256").update(content).digest("hex"), size: content.length, content };
}

async function layerOf(path: string): Promise<LayerBlob> {
  return { digest: await digestFile(path), size: statSync(path).size, path };
}

async function write(
  pack: tarStream.Pack,
  { config, tags }: SavedImage,
  layers: readonly Blob[],
  options: ArchiveOptions,
): Promise<void> {
  const { manifest, index } = describeImage(config, layers, options);
  const text = (name: string, value: unknown): void =>
    void pack.entry({ ...header, name }, Buffer.from(JSON.stringify(value)));
  text("oci-layout", { imageLayoutVersion: "1.0.0" });
  const written = new Set<string>();
  for (const blob of [config, ...layers, manifest]) {
    if (written.has(blob.digest)) continue;
    written.add(blob.digest);
    const entry = pack.entry({ ...header, name: blobName(blob), size: blob.size });
    if (blob.path) await pipeline(createReadStream(blob.path), entry);
    else entry.end(blob.content);
  }
  text("index.json", index);
  text("manifest.json", [{ Config: blobName(config), RepoTags: tags, Layers: layers.map(blobName) }]);
  pack.finalize();
}

function blobName({ digest }: Blob): string {
  return `blobs/sha256/${digest}`;
}

const header = { mode: 0o644, mtime: new Date(0) };
