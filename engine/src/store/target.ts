import {
  accessSync,
  constants,
  lstatSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { PathError, writeError } from "./errors.ts";
import type { Tree } from "./tree.ts";

/** What a host path has to take: "entry" is a file that may also be put into a folder. */
export type TargetKind = "file" | "directory" | "entry";

/**
 * Checks, without writing anything, that a host path can take a file or a folder.
 * @throws PathError when it is of the other kind, or cannot be written.
 */
export function checkTarget(path: string, kind: TargetKind): void {
  try {
    const target = finalTarget(path);
    const found = look(statSync, target);
    if (found) refuseOtherKind(path, kind, found.isDirectory());
    const place = found ? target : nearestFolder(target);
    accessSync(place, constants.W_OK | (statSync(place).isDirectory() ? constants.X_OK : 0));
    if (!found || found.isFile() || found.isDirectory()) refuseFullDisk(path, place);
  } catch (error) {
    throw writeError(path, error);
  }
}

/** What is at a path; undefined if nothing is, also if one of its parents is a file. */
function look(stat: (path: string) => Stats, path: string): Stats | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function refuseOtherKind(path: string, kind: TargetKind, isDirectory: boolean): void {
  if (kind === "file" && isDirectory)
    throw new PathError(`${path} is a directory: give the path of a file, existing or new`);
  if (kind === "directory" && !isDirectory)
    throw new PathError(`${path} is not a directory: give the path of a directory, existing or new`);
}

/** The folder in which a path that does not exist would be created, or the first of its parents. */
function nearestFolder(path: string): string {
  for (let place = dirname(path); ; place = dirname(place)) {
    const found = look(statSync, place);
    if (found?.isDirectory()) return place;
    if (found) throw new PathError(`cannot write ${path}: ${place} is not a directory; choose another path`);
  }
}

function refuseFullDisk(path: string, place: string): void {
  const { blocks, bavail } = statfsSync(place);
  // Some file systems count no blocks at all.
  if (blocks > 0 && bavail === 0)
    throw new PathError(`cannot write ${path}: no space left on device; choose another path`);
}

/** How many links one path may lead through, as in Linux. */
const MOST_LINKS = 40;

/**
 * Where a path that may be a symbolic link, also one that leads nowhere yet, finally points. A link in /proc, such as
 * /dev/stdout is, stays: it leads to an open file, not to a path.
 */
export function finalTarget(path: string): string {
  let target = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    if (target.startsWith("/proc/")) return target;
    if (!look(lstatSync, target)?.isSymbolicLink()) return target;
    // A relative link starts at the real place of its folder.
    target = resolve(realpathSync(dirname(target)), readlinkSync(target));
  }
  throw new PathError(`cannot write ${path}: too many symbolic links; choose another path`);
}

/**
 * Checks that writing a tree into a folder removes nothing: a file never takes the place of a folder that has content,
 * nor a folder that of a file.
 */
export function checkTree(tree: Tree, root: string): void {
  // Nothing is below a path that does not exist, or below a link that becomes a folder.
  const free = new Set<string>();
  for (const path of tree.allPaths) {
    const found = free.has(dirname(path))
      ? undefined
      : lstatSync(join(root, path), { throwIfNoEntry: false });
    if (!found?.isDirectory()) free.add(path);
    if (found) refuseReplacing(join(root, path), found, tree.isDirectory(path));
  }
}

function refuseReplacing(place: string, found: Stats, byDirectory: boolean): void {
  if (byDirectory && !found.isDirectory() && !found.isSymbolicLink())
    throw new PathError(`${place} is a file, but a directory is exported there: remove it first`);
  if (!byDirectory && found.isDirectory() && readdirSync(place).length > 0)
    throw new PathError(`${place} is a directory, but a file is exported there: remove it first`);
}
