import type { Container, Directory } from "@dagger.io/dagger";
import { isCached, rethrow } from "./cache-marker.js";
import { type Linter, linters } from "./linters.js";

/**
 * Runs all linters in parallel, to their end.
 * @returns a line for each.
 * @throws Error with the output of every linter that failed.
 */
export async function lintSource(source: Directory): Promise<string> {
  const verdicts = await runLinters(source);
  const summary = verdicts.map(({ name, state }) => `${name.padEnd(12)}${state}`).join("\n");
  const found = findings(verdicts);
  if (found === "") return `${summary}\n`;
  throw new Error(`${found}\n${summary}`);
}

export interface Verdict {
  name: string;
  state: "ok" | "FAIL" | "nothing to check";
  cached: boolean;
  output: string;
}

/** The verdict of every linter. */
export function runLinters(source: Directory): Promise<Verdict[]> {
  return Promise.all(linters.map(async (linter) => verdict(linter, await linter.run(source))));
}

/** The output of the linters that failed; "" if none did. */
export function findings(verdicts: readonly Verdict[]): string {
  const failed = verdicts.filter(({ state }) => state === "FAIL");
  return failed.map(({ name, output }) => `${name}:\n${output.trim()}\n`).join("\n");
}

async function verdict({ name }: Linter, container: Container | undefined): Promise<Verdict> {
  if (!container) return { name, state: "nothing to check", cached: true, output: "" };
  const started = Date.now();
  const failed = (await container.exitCode().catch(rethrow)) !== 0;
  const cached = await isCached(container, started);
  return {
    name,
    state: failed ? "FAIL" : "ok",
    cached,
    output: failed ? await container.combinedOutput() : "",
  };
}
