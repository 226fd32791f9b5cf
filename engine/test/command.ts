import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A small module whose functions fail in every way. */
export const sample = here("./fixtures/sample");

export interface Failure {
  code: number | null;
  /** The lines from "Error: " on. */
  said: string;
}

/** How a command line of the engine is started. */
export function commandLine(words: string[]): [program: string, words: string[]] {
  return [process.execPath, [here("../start.mjs"), "engine", ...words]];
}

/** Runs one command line to its failure. */
export function fail(words: string[], env: NodeJS.ProcessEnv = {}): Failure {
  const { status, stderr } = spawnSync(...commandLine(words), {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return { code: status, said: whatFailed(stderr) };
}

export function whatFailed(stderr: string): string {
  return stderr.slice(stderr.indexOf("Error: ")).trim();
}

/** What people and scripts can rely on: one line that tells what is wrong, and the official CLI's exit code. */
export function expectOneLine({ code, said }: Failure, line: RegExp): void {
  expect(said).toMatch(line);
  expect([code, said.split("\n").length]).toEqual([1, 1]);
}
