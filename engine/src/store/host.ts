import {
  chmodSync,
  createReadStream,
  existsSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { copyFile, mkdir, readdir, rm, symlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import ignore, { type Ignore } from "ignore";
import { UserError } from "../core/errors.ts";
import { mayPrune, type PathFilter, pathFilter } from "./patterns.ts";
import type { Store } from "./store.ts";
import { type Entry, Tree } from "./tree.ts";

export interface HostFilter extends PathFilter {
  gitignore?: boolean;
}

/**
 * Takes a folder of this machine into the store. Owners become root, as the official engine does it.
 * @throws UserError when the path is not there or is not a folder.
 */
export async function scanHostDirectory(store: Store, path: string, filter: HostFilter = {}): Promise<Tree> {
  if (!existsSync(path)) throw new UserError(`directory ${path} does not exist: check the path`);
  if (!statSync(path).isDirectory()) throw new UserError(`${path} is not a directory: give a directory`);
  const entries = new Map<string, Entry>();
  const wanted = pathFilter(filter);
  const prune = mayPrune(filter.exclude ?? []);
  const open = new Map<string, Entry>();

  const keep = (rel: string, entry: Entry): void => {
    for (const [dir, found] of open) if (rel.startsWith(`${dir}/`)) entries.set(dir, found);
    entries.set(rel, entry);
  };

  const visit = async (dir: string, rel: string, ignores: Ignored[]): Promise<void> => {
    const here = filter.gitignore ? withGitignore(dir, rel, ignores) : ignores;
    for (const item of (await readdir(dir, { withFileTypes: true })).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = join(dir, item.name);
      const name = rel === "" ? item.name : `${rel}/${item.name}`;
      if (here.some((rule) => rule(name, item.isDirectory()))) continue;
      const isWanted = wanted(name);
      if (item.isDirectory()) {
        if (!isWanted && prune && !filter.include?.length) continue;
        const entry = hostEntry("dir", path);
        if (isWanted) keep(name, entry);
        else open.set(name, entry);
        await visit(path, name, here);
        open.delete(name);
      } else if (isWanted && item.isSymbolicLink()) {
        keep(name, { ...hostEntry("link", path), mode: 0o777, target: readlinkSync(path) });
      } else if (isWanted && item.isFile()) {
        keep(name, { ...hostEntry("file", path), ...(await takeFile(store, path)) });
      }
    }
  };
  await visit(path, "", []);
  return new Tree(entries);
}

/** Takes one file of this machine into the store. */
export async function scanHostFile(store: Store, path: string): Promise<Entry> {
  if (!existsSync(path)) throw new UserError(`file ${path} does not exist: check the path`);
  if (!statSync(path).isFile()) throw new UserError(`${path} is not a file: give a file`);
  return { ...hostEntry("file", path), ...(await takeFile(store, path)) };
}

async function takeFile(store: Store, path: string): Promise<{ blob: string; size: number }> {
  const { digest, size } = await store.writeBlob(createReadStream(path));
  return { blob: digest, size };
}

function hostEntry(type: Entry["type"], path: string): Entry {
  const stat = type === "link" ? lstatSync(path) : statSync(path);
  return { type, mode: stat.mode & 0o7777, uid: 0, gid: 0, mtime: Math.floor(stat.mtimeMs / 1000) };
}

type Ignored = (path: string, isDirectory: boolean) => boolean;

function withGitignore(dir: string, rel: string, outer: Ignored[]): Ignored[] {
  const file = join(dir, ".gitignore");
  if (!existsSync(file)) return outer;
  const rules: Ignore = ignore().add(readFileSync(file, "utf8"));
  const prefix = rel === "" ? 0 : rel.length + 1;
  return [...outer, (path, isDirectory) => rules.ignores(path.slice(prefix) + (isDirectory ? "/" : ""))];
}

/** Writes a tree into a folder of this machine; what is there already and not in the tree stays unless `wipe`. */
export async function exportTree(store: Store, tree: Tree, target: string, wipe = false): Promise<void> {
  const root = resolve(target);
  if (wipe) await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  for (const [path, entry] of tree.toJSON()) {
    const to = join(root, path);
    if (entry.type === "dir") await mkdir(to, { recursive: true });
    else await exportEntry(store, entry, to);
  }
  // Modes of folders last: a read-only folder must still take its files.
  for (const [path, entry] of tree.toJSON())
    if (entry.type === "dir") chmodSync(join(root, path), entry.mode);
}

/** Writes one file or link to a path of this machine. */
export async function exportEntry(store: Store, entry: Entry, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  if (entry.type === "link") return symlink(entry.target ?? "", to);
  await copyFile(store.blobPath(entry.blob as string), to);
  chmodSync(to, entry.mode);
}
