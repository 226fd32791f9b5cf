import { posix } from "node:path";
import { UserError } from "../core/errors.ts";
import type { DirectoryValue, FileSystem, FileValue, Found } from "../core/values.ts";
import { findInTree } from "../docker/read.ts";
import { PathWalk } from "../store/path-walk.ts";
import { normalise } from "../store/tree.ts";

/** What is at a path of a directory. Symbolic links lead as far as what the directory is part of. */
export function findIn(dir: DirectoryValue, path: string, last = true): Promise<Found | undefined> {
  return findFrom(dir, posix.join("/", baseOf(dir), path), last);
}

/** What a directory is part of, with the directory as it is now. */
export function wholeOf(dir: DirectoryValue): FileSystem {
  return { find: (path, last) => findFrom(dir, path, last) };
}

async function findFrom(dir: DirectoryValue, path: string, last = true): Promise<Found | undefined> {
  const base = baseOf(dir);
  const walk = new PathWalk(path, last);
  for (let next = walk.next; next !== undefined; next = walk.next) {
    const isAbove = base === next || base.startsWith(`${next}/`);
    if (!isAbove && !isBelow(base, next)) return dir.within?.find(`/${walk.remaining}`, last);
    walk.pass(isAbove ? undefined : dir.tree.get(next.slice(base.length)));
  }
  if (walk.at !== base && !isBelow(base, walk.at)) return around(dir, base, walk.at, last);
  const found = findInTree(dir.tree, walk.at.slice(base.length));
  return found && { ...found, path: `/${walk.at}` };
}

/** What is at a path outside a directory; a folder that the directory is in has the directory as it is now. */
async function around(
  dir: DirectoryValue,
  base: string,
  at: string,
  last: boolean,
): Promise<Found | undefined> {
  const found = await dir.within?.find(`/${at}`, last);
  const isAbove = at === "" || base.startsWith(`${at}/`);
  if (!found || !("tree" in found) || !isAbove) return found;
  const name = at === "" ? base : base.slice(at.length + 1);
  const tree = found.tree.without(name).with(name, dir.tree.own).merge(name, dir.tree);
  return { ...found, tree };
}

function baseOf({ within }: DirectoryValue): string {
  return normalise(within?.path ?? "");
}

function isBelow(base: string, path: string): boolean {
  return base === "" || path.startsWith(`${base}/`);
}

/** @throws UserError when nothing was found. */
export function requireFound(found: Found | undefined, path: string): Found {
  if (!found) throw new UserError(`${path}: no such file or directory`);
  return found;
}

/** @throws UserError when it is a directory. */
export function fileAt(found: Found, path: string): Pick<FileValue, "entry"> {
  if ("entry" in found) return { entry: found.entry };
  throw new UserError(`path ${path} is a directory, not a file; select directory`);
}

/** @throws UserError when it is a file. */
export function directoryAt(found: Found, path: string): Pick<DirectoryValue, "tree"> {
  if ("tree" in found) return { tree: found.tree };
  throw new UserError(`path ${path} is a file, not a directory; select file`);
}
