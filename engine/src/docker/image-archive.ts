import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, gunzipSync } from "node:zlib";
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

/** The files of an archive on disk, compressed if the layers are to be, and the names that are links. */
interface Unpacked {
  files: Map<string, string>;
  links: Map<string, string>;
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
  return withTempDir(async (folder) => {
    const unpacked = await unpack(saved, folder, options);
    const [manifest] = JSON.parse(await readText(unpacked, "manifest.json", options)) as SavedManifest[];
    if (!manifest) throw new UserError("the image archive of Docker has no manifest");
    const config = blobOf(Buffer.from(await readText(unpacked, manifest.Config, options)));
    const layers = await Promise.all(manifest.Layers.map((name) => layerOf(pathOf(unpacked, name))));
    const pack = tarStream.pack();
    const out = new PassThrough();
    pack.pipe(out);
    const [result] = await Promise.all([
      use(out),
      write(pack, config, layers, manifest, options).catch((error: Error) => out.destroy(error)),
    ]);
    return result;
  });
}

async function unpack(archive: Readable, folder: string, { compressed }: ArchiveOptions): Promise<Unpacked> {
  const unpacked: Unpacked = { files: new Map(), links: new Map() };
  const extract = tarStream.extract();
  archive.on("error", (error) => extract.destroy(error));
  archive.pipe(extract);
  for await (const item of extract) {
    const { name, type, linkname } = item.header;
    if (type === "file") {
      const path = join(folder, String(unpacked.files.size));
      unpacked.files.set(name, path);
      // The fastest level: the archive is written while somebody waits.
      await (compressed
        ? pipeline(item, createGzip({ level: 1 }), createWriteStream(path))
        : pipeline(item, createWriteStream(path)));
      continue;
    }
    // Equal layers: the later ones are links to the first.
    if (type === "symlink") unpacked.links.set(name, posix.join(posix.dirname(name), linkname ?? ""));
    item.resume();
  }
  return unpacked;
}

function pathOf({ files, links }: Unpacked, name: string): string {
  const path = files.get(links.get(name) ?? name);
  if (path === undefined) throw new UserError(`the image archive of Docker has no ${name}`);
  return path;
}

async function readText(unpacked: Unpacked, name: string, { compressed }: ArchiveOptions): Promise<string> {
  const bytes = await readFile(pathOf(unpacked, name));
  return (compressed ? gunzipSync(bytes) : bytes).toString();
}

function blobOf(content: Buffer): Blob {
  return { digest: createHash("sha256").update(content).digest("hex"), size: content.length, content };
}

async function layerOf(path: string): Promise<Blob> {
  return { digest: await digestFile(path), size: statSync(path).size, path };
}

async function write(
  pack: tarStream.Pack,
  config: Blob,
  layers: readonly Blob[],
  { RepoTags }: SavedManifest,
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
  text("manifest.json", [{ Config: blobName(config), RepoTags, Layers: layers.map(blobName) }]);
  pack.finalize();
}

function blobName({ digest }: Blob): string {
  return `blobs/sha256/${digest}`;
}

const header = { mode: 0o644, mtime: new Date(0) };
