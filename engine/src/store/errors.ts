/** A host path that cannot be used as requested; the message says what to do. */
export class PathError extends Error {
  override readonly name = "PathError";
}
