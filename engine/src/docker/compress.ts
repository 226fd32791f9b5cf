import { createReadStream, createWriteStream, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, gunzipSync } from "node:zlib";
import tarStream from "tar-stream";
import { UserError } from "../core/errors.ts";
import { withTempDir } from "../images/host.ts";

interface Manifest {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[];
}

/** The files of an archive on disk, each compressed, and the names that are links. */
interface Unpacked {
  files: Map<string, string>;
  links: Map<string, string>;
}

/**
 * Rewrites an archive of `docker save` with compressed layers, as the official engine exports an image. `docker load` takes
 * both. Equal archives give equal results.
 * @param use gets the new archive; it is available only meanwhile.
 */
export function withCompressedLayers<T>(
  archive: Readable,
  use: (archive: Readable) => Promise<T>,
): Promise<T> {
  return withTempDir(async (folder) => {
    const unpacked = await unpack(archive, folder);
    const [manifest] = JSON.parse((await readText(unpacked, "manifest.json")).toString()) as Manifest[];
    if (!manifest) throw new UserError("the image archive of Docker has no manifest");
    const config = await readText(unpacked, manifest.Config);
    const layers = manifest.Layers.map((name) => pathOf(unpacked, name));
    const pack = tarStream.pack();
    const out = new PassThrough();
    pack.pipe(out);
    const [result] = await Promise.all([
      use(out),
      write(pack, manifest, config, layers).catch((error: Error) => out.destroy(error)),
    ]);
    return result;
  });
}

async function unpack(archive: Readable, folder: string): Promise<Unpacked> {
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
      await pipeline(item, createGzip({ level: 1 }), createWriteStream(path));
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

async function readText(unpacked: Unpacked, name: string): Promise<Buffer> {
  return gunzipSync(await readFile(pathOf(unpacked, name)));
}

async function write(
  pack: tarStream.Pack,
  manifest: Manifest,
  config: Buffer,
  layers: readonly string[],
): Promise<void> {
  const names = layers.map((_, at) => `${String(at).padStart(3, "0")}.tar.gz`);
  const put = (name: string, content: Buffer): void => void pack.entry({ ...header, name }, content);
  put("manifest.json", Buffer.from(JSON.stringify([{ ...manifest, Config: "config.json", Layers: names }])));
  put("config.json", config);
  for (const [at, path] of layers.entries()) {
    const entry = pack.entry({ ...header, name: names[at] as string, size: statSync(path).size });
    await pipeline(createReadStream(path), entry);
  }
  pack.finalize();
}

const header = { mode: 0o644, mtime: new Date(0) };
