/** A path of this machine that cannot be used as asked; the message says what to do. */
export class PathError extends Error {
  override readonly name = "PathError";
}
