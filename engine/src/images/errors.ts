import { stripVTControlCharacters } from "node:util";

/** An image is not available. The message's first line says why and what to do; output of the failure follows. */
export class ImageError extends Error {
  override readonly name = "ImageError";

  constructor(
    readonly code: "NOT_FOUND" | "NO_REGISTRY" | "MISSING_TOOL" | "BUILD_FAILED",
    summary: string,
    /** Output of the failed command; its last lines become part of the message. */
    output = "",
  ) {
    super([summary, ...lastLines(output)].join("\n"));
  }
}

/** Progress messages of dpkg and Docker. */
const NOISE = /^\(Reading database|^Step \d|^ ?--->|^Removing intermediate container/;

function lastLines(output: string, count = 12): string[] {
  const lines = stripVTControlCharacters(output).split(/[\r\n]+/);
  const telling = lines.filter((line) => line.trim() && !NOISE.test(line));
  return telling.slice(-count).map((line) => `  | ${line}`);
}
