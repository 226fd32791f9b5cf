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
