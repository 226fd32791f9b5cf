import { statSync } from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorMap } from "node:util";

/** A host path that cannot be used as requested; the message says what to do. */
export class PathError extends Error {
  override readonly name = "PathError";
}

/** What a system call's error code means, e.g. "no space left on device"; undefined for any other error. */
export function systemReason(error: unknown): string | undefined {
  const { errno, code } = error as NodeJS.ErrnoException;
  if (errno === undefined) return undefined;
  return getSystemErrorMap().get(errno)?.[1] ?? code;
}

/** A failed system call while `path` was written, as one line that names the path; any other error unchanged. */
export function writeError(path: string, error: unknown): unknown {
  const reason = systemReason(error);
  return reason ? new PathError(`cannot write ${path}: ${reason}; choose another path`) : error;
}

/** A text too large to be handled in memory, in bytes. */
export class SizeError extends Error {
  override readonly name = "SizeError";

  constructor(
    readonly size: number,
    limit: number,
  ) {
    super(`file size ${size} exceeds limit ${limit}`);
  }
}

/** The cache directory cannot be used; the message names it and the variable that moves it. */
export class CacheError extends Error {
  override readonly name = "CacheError";
}

/** Runs an operation on the cache directory; what the file system refuses becomes a CacheError. */
export function inCache<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainCache(path, error);
  }
}

function explainCache(path: string, error: unknown): unknown {
  const { code, syscall, message, path: file = path } = error as NodeJS.ErrnoException;
  if (syscall === undefined || code === "EMFILE" || code === "ENFILE") return error;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new CacheError(
      `no space left on device for the cache directory ${path} (${code}): free some (dagger prune), or set STACKLINE_CACHE to a folder on another disk`,
    );
  return new CacheError(`the cache directory ${path} cannot be used (${message}): ${remedy(path, file)}`);
}

function remedy(path: string, file: string): string {
  const owner = ownerIn(path, file);
  const uid = process.getuid?.();
  const move = "set STACKLINE_CACHE to a folder that you can write";
  if (owner === undefined || owner === uid) return move;
  return `it has files of user ${owner}: take them over with "sudo chown -R ${uid} ${path}", or ${move}`;
}

/** Whose a file of a folder is; if it cannot be seen, whose the nearest folder above it is. */
function ownerIn(folder: string, file: string): number | undefined {
  if (!file.startsWith(folder)) return undefined;
  try {
    return statSync(file).uid;
  } catch {
    return ownerIn(folder, dirname(file));
  }
}
