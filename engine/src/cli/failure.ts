import { ExecError, UserError } from "../core/errors.ts";
import { explainDocker } from "../docker/errors.ts";

/** How many of the last lines of a failed command's streams are shown again. */
const SHOWN = 300;

function lastLines(text: string): string {
  const lines = text.trimEnd().split("\n");
  const dropped = lines.length - SHOWN;
  return (dropped > 0 ? [`... ${dropped} lines before`, ...lines.slice(-SHOWN)] : lines).join("\n");
}

/** What is said of a failure: a failed command's own words first, the cause in the last lines. */
export function describeFailure(failure: unknown, verbose: boolean): string {
  const error = explainDocker(failure);
  if (error instanceof ExecError) {
    // A failed build's message ends with the output already.
    const streams = [error.stdout, error.stderr]
      .filter((text) => text.trim() !== "" && !error.message.includes(text.trim()))
      .map(lastLines);
    return [...streams, `Error: ${error.message}`].join("\n");
  }
  if (error instanceof UserError && !verbose) return `Error: ${error.message}`;
  return `Error: ${verbose ? (error.stack ?? error.message) : error.message}`;
}
