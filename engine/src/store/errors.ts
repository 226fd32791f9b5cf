/** A host path that cannot be used as requested; the message says what to do. */
export class PathError extends Error {
  override readonly name = "PathError";
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
