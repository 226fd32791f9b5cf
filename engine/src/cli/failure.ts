import { ExecError, UserError } from "../core/errors.ts";
import { explainFailure } from "../docker/errors.ts";

/** How many of the last lines of each of a failed command's streams are repeated. */
const SHOWN = 300;

function lastLines(text: string): string {
  const lines = text.trimEnd().split("\n");
  const dropped = lines.length - SHOWN;
  return (dropped > 0 ? [`... ${dropped} lines before`, ...lines.slice(-SHOWN)] : lines).join("\n");
}

/** Describes a failure: a failed command's output first, the cause in the last lines. */
export function describeFailure(failure: unknown, verbose: boolean): string {
  const error = explainFailure(failure);
  if (error instanceof ExecError) {
    // The message of a failed build already ends with the output.
    const streams = [error.stdout, error.stderr]
      .filter((text) => text.trim() !== "" && !error.message.includes(text.trim()))
      .map(lastLines);
    return [...streams, `Error: ${error.message}`].join("\n");
  }
  if (error instanceof UserError && !verbose) return `Error: ${error.message}`;
  return `Error: ${verbose ? (error.stack ?? error.message) : error.message}`;
}
