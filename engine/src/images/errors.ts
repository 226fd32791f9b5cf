import { stripVTControlCharacters } from "node:util";

/** Why an image can't be had. The first line of the message says what, where and what to do; what failed follows. */
export class ImageError extends Error {
  override readonly name = "ImageError";

  constructor(
    readonly code: "NOT_FOUND" | "NO_REGISTRY" | "MISSING_TOOL" | "BUILD_FAILED",
    summary: string,
    /** Output of what failed; its last lines become part of the message. */
    output = "",
  ) {
    super([summary, ...lastLines(output)].join("\n"));
  }
}

/** What dpkg and Docker say of their progress. */
const NOISE = /^\(Reading database|^Step \d|^ ?--->|^Removing intermediate container/;

function lastLines(output: string, count = 12): string[] {
  const lines = stripVTControlCharacters(output).split(/[\r\n]+/);
  const telling = lines.filter((line) => line.trim() && !NOISE.test(line));
  return telling.slice(-count).map((line) => `  | ${line}`);
}
