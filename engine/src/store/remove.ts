import { existsSync, lstatSync, realpathSync, rmSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { PathError, writeError } from "./errors.ts";

/**
 * Removes a path of a host folder: a folder, with what is in it, if the path ends in a slash. Nothing is removed through a
 * link that leads out of the folder.
 * @throws PathError when a file is to be removed, but a folder is there.
 */
export function removeInFolder(folder: string, path: string): void {
  const place = join(folder, path);
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (!found || !existsSync(folder)) return;
  const root = realpathSync(folder);
  const parent = realpathSync(dirname(place));
  if (parent !== root && !parent.startsWith(root + sep)) return;
  if (found.isDirectory() && !path.endsWith("/"))
    throw new PathError(`${place} is a directory, but a file is removed there: remove it first`);
  try {
    rmSync(place.replace(/\/$/, ""), { recursive: true, force: true });
  } catch (error) {
    throw writeError(place, error);
  }
}
