import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  realpathSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join, parse } from "node:path";
import { PathError, writeError } from "./errors.ts";
import { eachOf, READ_AT_ONCE } from "./host.ts";
import { type FileContent, fill, replacePath, writeHostFile } from "./replace.ts";
import type { Store } from "./store.ts";
import { checkTarget, checkTree, finalTarget } from "./target.ts";
import { type Entry, HardLinks, type Tree } from "./tree.ts";

export interface TreeExport {
  /** Removes what the folder has and the tree has not. Without it, nothing is removed. */
  wipe?: boolean;
  /** Ends the export; no file is left incomplete. */
  signal?: AbortSignal;
}

/**
 * Writes a tree to a host folder.
 * @throws PathError that names the path; if the folder cannot take the tree at all, nothing has been changed.
 */
export async function exportTree(
  store: Store,
  tree: Tree,
  path: string,
  { wipe = false, signal }: TreeExport = {},
): Promise<void> {
  checkFolder(path, wipe);
  const root = finalTarget(path);
  if (wipe) await wipeFolder(root);
  else checkTree(tree, root);
  await attributed(path, () => mkdir(root, { recursive: true }));
  for (const dir of tree.allPaths) if (tree.isDirectory(dir)) await makeFolder(join(root, dir));
  // The folder itself stays as it is.
  const entries = tree.toJSON().filter(([name]) => name !== "");
  const links = new HardLinks();
  const linked: [name: string, first: string][] = [];
  await eachOf(
    entries.filter(([, { type }]) => type !== "dir"),
    async ([name, entry]) => {
      signal?.throwIfAborted();
      const first = links.find(entry, name);
      if (first !== undefined) linked.push([name, first]);
      else await attributed(join(root, name), () => writeEntry(store, entry, join(root, name), signal));
    },
  );
  for (const [name, first] of linked)
    await attributed(join(root, name), () => linkEntry(join(root, first), join(root, name)));
  // Modes of folders last: a read-only folder must still take its files.
  for (const [name, entry] of entries) {
    const folder = join(root, name);
    if (entry.type === "dir") await attributed(folder, () => chmodSync(folder, entry.mode));
  }
}

/** @throws PathError when a host path cannot take a directory; nothing has been changed. */
export function checkFolder(path: string, wipe: boolean): void {
  if (wipe && existsSync(path) && realpathSync(path) === parse(path).root)
    throw new PathError(`export: ${path} will not be wiped; choose a folder`);
  checkTarget(path, "directory");
}

async function attributed<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Removes a folder's content, not the folder itself: it may be a mount point, or a process's working directory. */
async function wipeFolder(root: string): Promise<void> {
  if (!existsSync(root)) return;
  for (const name of await readdir(root))
    await attributed(join(root, name), () => rm(join(root, name), { recursive: true, force: true }));
}

/** Creates a folder at a path, in the place of a link. */
function makeFolder(path: string): Promise<void> {
  return attributed(path, async () => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) await rm(path);
    await mkdir(path, { recursive: true });
  });
}

/** Makes a hard link, in the place of another file. */
async function linkEntry(first: string, to: string): Promise<void> {
  if (lstatSync(to, { throwIfNoEntry: false })?.isDirectory()) await rmdir(to);
  await replacePath(to, (temporary) => linkSync(first, temporary));
}

/** Writes a file of a tree, or a link, in the place of another; an empty folder gives way, too. */
async function writeEntry(store: Store, entry: Entry, to: string, signal?: AbortSignal): Promise<void> {
  if (lstatSync(to, { throwIfNoEntry: false })?.isDirectory()) await rmdir(to);
  await replacePath(to, async (temporary) => {
    if (entry.type === "link") return symlinkSync(entry.target ?? "", temporary);
    const { open, finish } = contentOf(store, entry);
    if ((entry.size ?? 0) > READ_AT_ONCE) await fill(temporary, open(), signal);
    else copyFileSync(store.blobPath(entry.blob as string), temporary, constants.COPYFILE_FICLONE);
    finish(temporary);
  });
}

function contentOf(store: Store, { blob, mode, mtime }: Entry): Required<FileContent> {
  return {
    open: () => store.readBlob(blob as string),
    finish: (path) => {
      chmodSync(path, mode);
      if (mtime > 0) utimesSync(path, mtime, mtime);
    },
  };
}

/**
 * Writes one file to a host path.
 * @throws PathError when the path cannot take a file.
 */
export async function exportFile(
  store: Store,
  entry: Entry,
  to: string,
  signal?: AbortSignal,
): Promise<void> {
  checkTarget(to, "file");
  await writeHostFile(to, contentOf(store, entry), signal);
}
