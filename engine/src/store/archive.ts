import { createReadStream, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import tarStream from "tar-stream";
import type { Store } from "./store.ts";
import { type Entry, HardLinks, normalise, Tree } from "./tree.ts";

/** A tar stream of the tree, for Docker's archive and build endpoints. */
export function packTree(store: Store, tree: Tree, prefix = ""): Readable {
  const base = normalise(prefix);
  const links = new HardLinks();
  return packed(async (pack) => {
    for (const [path, entry] of tree.toJSON())
      if (path !== "" || base !== "") await packEntry(store, pack, posix.join(base, path), entry, links);
  });
}

/** A file of this machine in a tar stream. */
export interface PackedFile {
  path: string;
  /** Its name in the stream. */
  name: string;
  uid: number;
  gid: number;
  mode: number;
}

/** A tar stream of files that are not in the store, such as secrets. */
export function packHostFiles(files: readonly PackedFile[]): Readable {
  return packed(async (pack) => {
    for (const { path, ...header } of files)
      await pipeline(createReadStream(path), pack.entry({ ...header, size: statSync(path).size }));
  });
}

function packed(fill: (pack: tarStream.Pack) => Promise<void>): Readable {
  const pack = tarStream.pack();
  void fill(pack)
    .then(() => pack.finalize())
    .catch((error: Error) => pack.destroy(error));
  return pack.pipe(new PassThrough());
}

/** Files up to this size, in bytes, are read at once; larger ones as a stream. */
const READ_AT_ONCE = 1024 * 1024;

async function packEntry(
  store: Store,
  pack: tarStream.Pack,
  name: string,
  entry: Entry,
  links: HardLinks,
): Promise<void> {
  const { mode, uid, gid } = entry;
  const header = { name, mode, uid, gid, mtime: new Date(entry.mtime * 1000) };
  if (entry.type === "dir") return void pack.entry({ ...header, type: "directory" });
  if (entry.type === "link")
    return void pack.entry({ ...header, type: "symlink", linkname: entry.target ?? "" });
  const first = links.find(entry, name);
  if (first !== undefined) return void pack.entry({ ...header, type: "link", linkname: first });
  const sink = pack.entry({ ...header, type: "file", size: entry.size ?? 0 });
  if ((entry.size ?? 0) <= READ_AT_ONCE) {
    sink.end(readFileSync(store.blobPath(entry.blob as string)));
  } else {
    const source = store.readBlob(entry.blob as string);
    source.on("error", (error) => sink.destroy(error));
    source.pipe(sink);
  }
  await finished(sink);
}

/**
 * Unpacks a tar stream into the store.
 * @param skip paths that are skipped with everything below them: their content is neither held in memory nor stored.
 */
export async function unpackTree(
  store: Store,
  source: Readable,
  skip: readonly string[] = [],
): Promise<Tree> {
  const entries = new Map<string, Entry>();
  const extract = tarStream.extract();
  source.on("error", (error) => extract.destroy(error));
  source.pipe(extract);
  for await (const item of extract) {
    const path = normalise(item.header.name);
    if (skip.some((hidden) => path === hidden || path.startsWith(`${hidden}/`))) {
      item.resume();
      continue;
    }
    const entry = await readEntry(store, item as never, entries);
    if (entry) entries.set(path, entry);
  }
  return new Tree(entries);
}

async function readEntry(
  store: Store,
  item: Readable & { header: tarStream.Header },
  entries: Map<string, Entry>,
): Promise<Entry | undefined> {
  const { header } = item;
  const common = {
    mode: (header.mode ?? 0o644) & 0o7777,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    mtime: Math.floor((header.mtime?.getTime() ?? 0) / 1000),
  };
  if (header.type === "file" || header.type === "contiguous-file") {
    const { digest, size } = await store.writeBlob(item);
    return { type: "file", ...common, blob: digest, size };
  }
  item.resume();
  if (header.type === "directory") return { type: "dir", ...common };
  if (header.type === "symlink") return { type: "link", ...common, target: header.linkname ?? "" };
  // Devices and pipes are left out.
  return header.type === "link" ? hardLink(normalise(header.linkname ?? ""), entries) : undefined;
}

/** A hard link is the file that it names; both are marked. */
function hardLink(name: string, entries: Map<string, Entry>): Entry | undefined {
  const named = entries.get(name);
  if (named?.type !== "file") return named;
  const entry = { ...named, hard: named.hard ?? `${name} ${named.blob}` };
  entries.set(name, entry);
  return entry;
}
