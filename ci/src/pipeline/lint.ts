import type { Container, Directory } from "@dagger.io/dagger";
import { isKept } from "./cache-marker.js";
import { type Linter, linters } from "./linters.js";

/**
 * Runs every linter, side by side, to its end.
 * @returns a line for each.
 * @throws Error with the output of all that found something.
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
  /** Whether the linter did not have to run again. */
  kept: boolean;
  output: string;
}

/** Every linter's verdict. */
export function runLinters(source: Directory): Promise<Verdict[]> {
  return Promise.all(linters.map(async (linter) => verdict(linter, await linter.run(source))));
}

/** What linters have to say; "" when all is well. */
export function findings(verdicts: readonly Verdict[]): string {
  const failed = verdicts.filter(({ state }) => state === "FAIL");
  return failed.map(({ name, output }) => `${name}:\n${output.trim()}\n`).join("\n");
}

async function verdict({ name }: Linter, container: Container | undefined): Promise<Verdict> {
  if (!container) return { name, state: "nothing to check", kept: true, output: "" };
  const started = Date.now();
  const failed = (await container.exitCode()) !== 0;
  const kept = await isKept(container, started);
  return {
    name,
    state: failed ? "FAIL" : "ok",
    kept,
    output: failed ? await container.combinedOutput() : "",
  };
}
