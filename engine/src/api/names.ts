import { posix } from "node:path";
import { UserError } from "../core/errors.ts";

/** Bytes that Linux's file systems take in a name. */
const LONGEST_NAME = 255;

/** @throws UserError for the path of a file whose name no file system takes. */
export function checkName(path: string): void {
  if (Buffer.byteLength(posix.basename(path)) > LONGEST_NAME)
    throw new UserError(`File name length exceeds the maximum supported ${LONGEST_NAME} characters`);
}

/** @throws UserError for a name that is a path. */
export function checkBareName(name: string): void {
  if (name.includes("/"))
    throw new UserError(`file name ${JSON.stringify(name)} must not contain a directory: use withNewFile`);
  checkName(name);
}

/** Whether a path leads out of the directory in which it starts. */
export function leavesDirectory(path: string): boolean {
  return /^\.\.(\/|$)/.test(posix.normalize(path));
}
