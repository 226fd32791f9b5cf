import { availableParallelism, loadavg } from "node:os";

/** A time limit for a machine that does nothing else, in seconds, in proportion to what this one does. */
export function deadline(seconds: number): number {
  return seconds * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}
