import { createReadStream, existsSync, lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { PathError } from "./errors.ts";
import { Gitignore, readGitignore, repositoryOf } from "./gitignore.ts";
import { joinPath } from "./path-walk.ts";
import { type PathFilter, pathFilter, pruneMatcher } from "./patterns.ts";
import type { Store } from "./store.ts";
import { type Entry, Tree } from "./tree.ts";

export interface HostFilter extends PathFilter {
  gitignore?: boolean;
}

/**
 * Reads a host folder into the store. Owners become root, as in the official engine.
 * @throws PathError when the path does not exist or is not a folder.
 */
export async function scanHostDirectory(store: Store, path: string, filter: HostFilter = {}): Promise<Tree> {
  if (!existsSync(path)) throw new PathError(`directory ${path} does not exist: check the path`);
  if (!statSync(path).isDirectory()) throw new PathError(`${path} is not a directory: give a directory`);
  const entries = new Map<string, Entry>();
  const files: [name: string, path: string][] = [];
  for (const [name, entry] of await listHost(path, filter)) {
    entries.set(name, entry);
    if (entry.type === "file") files.push([name, join(path, name)]);
  }
  await eachOf(files, async ([name, from]) => {
    const isThere = await unlessVanished(from, async () => {
      entries.set(name, { ...(entries.get(name) as Entry), ...(await takeFile(store, from)) });
    });
    if (!isThere) entries.delete(name);
  });
  nameHardLinks(entries);
  return new Tree(entries);
}

/** Marks hard links by the first of their names, which does not depend on the machine as their inode does. */
function nameHardLinks(entries: Map<string, Entry>): void {
  const names = new Map<string, string[]>();
  for (const [name, { hard }] of entries)
    if (hard !== undefined) names.set(hard, [...(names.get(hard) ?? []), name].sort());
  for (const [name, { hard, ...entry }] of entries) {
    const [first, ...more] = (hard !== undefined && names.get(hard)) || [];
    if (first !== undefined) entries.set(name, more.length > 0 ? { ...entry, hard: first } : entry);
  }
}

/** Entries of a folder that pass a filter, and the folders above them, without the files' content. */
async function listHost(root: string, filter: HostFilter): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  const wanted = pathFilter(filter);
  const skipped = pruneMatcher(filter.exclude ?? []);

  const repository = filter.gitignore ? repositoryOf(root) : undefined;
  const inRepository = (name: string): string => joinPath(repository?.path ?? "", name);
  const visit = async (dir: string, rel: string, outer: Gitignore): Promise<void> => {
    const rules = repository ? outer.with(inRepository(rel), readGitignore(dir)) : outer;
    for (const item of await readdir(dir, { withFileTypes: true })) {
      const path = join(dir, item.name);
      const name = rel === "" ? item.name : `${rel}/${item.name}`;
      if (rules.ignores(inRepository(name), item.isDirectory())) continue;
      if (item.isDirectory() && skipped(name)) continue;
      await unlessVanished(path, async () => {
        if (item.isDirectory()) {
          const before = entries.size;
          await visit(path, name, rules);
          if (wanted(name) || entries.size > before) entries.set(name, hostEntry("dir", path));
        } else if (wanted(name) && item.isSymbolicLink()) {
          entries.set(name, { ...hostEntry("link", path), mode: 0o777, target: readlinkSync(path) });
        } else if (wanted(name) && item.isFile()) {
          entries.set(name, hostEntry("file", path));
        }
      });
    }
  };
  if (repository && repository.path !== "" && repository.above.ignores(repository.path, true))
    throw new PathError(
      `${root}: no such file or directory that .gitignore does not exclude: check the path`,
    );
  await visit(root, "", repository?.above ?? Gitignore.none);
  return entries;
}

/**
 * Reads a host path that a listing named; returns false if it has vanished since, such as an editor's temporary file.
 * @throws PathError that names a path that cannot be read.
 */
async function unlessVanished(path: string, read: () => unknown): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    const { code, path: failed } = error as NodeJS.ErrnoException;
    // Of another path, or of the store.
    if (failed !== path) throw error;
    if (code !== "ENOENT") throw new PathError(`${path} cannot be read (${code}): check its permissions`);
    if (await isUndecodable(path))
      throw new PathError(`the name of ${path} is not UTF-8, so it cannot be taken: rename or exclude it`);
    return false;
  }
}

/** Whether a path looks absent only because its name's bytes are not UTF-8: Node replaces them when it lists a folder. */
async function isUndecodable(path: string): Promise<boolean> {
  const shown = basename(path);
  if (!shown.includes("\uFFFD")) return false;
  const names = await readdir(dirname(path), { encoding: "buffer" }).catch(() => []);
  return names.some((bytes) => bytes.toString() === shown && !bytes.equals(Buffer.from(shown)));
}

/** Processes items, a few at a time. */
export async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  let done = 0;
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      await work(item);
      // Small files are read synchronously: yield to other work now and then.
      if (++done % 100 === 0) await setImmediate();
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/** Reads one host file into the store. */
export async function scanHostFile(store: Store, path: string): Promise<Entry> {
  let entry: Entry | undefined;
  await unlessVanished(path, async () => {
    if (!statSync(path).isFile()) throw new PathError(`${path} is not a file: give a file`);
    const { hard: _, ...own } = hostEntry("file", path);
    entry = { ...own, ...(await takeFile(store, path)) };
  });
  if (!entry) throw new PathError(`file ${path} does not exist: check the path`);
  return entry;
}

/** Files up to this size, in bytes, are read or copied at once; larger ones as a stream. */
export const READ_AT_ONCE = 1024 * 1024;

async function takeFile(store: Store, path: string): Promise<{ blob: string; size: number }> {
  const { digest, size } =
    statSync(path).size <= READ_AT_ONCE
      ? await store.putBlob(readFileSync(path))
      : await store.writeBlob(createReadStream(path));
  return { blob: digest, size };
}

function hostEntry(type: Entry["type"], path: string): Entry {
  const stat = type === "link" ? lstatSync(path) : statSync(path);
  const isLinked = type === "file" && stat.nlink > 1;
  return {
    type,
    mode: stat.mode & 0o7777,
    uid: 0,
    gid: 0,
    mtime: Math.floor(stat.mtimeMs / 1000),
    ...(isLinked && { hard: `${stat.dev}:${stat.ino}` }),
  };
}
