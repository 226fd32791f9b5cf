import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A small module with functions that fail in different ways. */
export const sample = here("./fixtures/sample");

export interface Failure {
  code: number | null;
  /** The lines from "Error: " on. */
  said: string;
}

/** The program and arguments that run the engine's CLI with `words`. */
export function commandLine(words: string[]): [program: string, words: string[]] {
  return [process.execPath, [here("../start.mjs"), "engine", ...words]];
}

/** Runs one command line to its end. */
export function runCommand(words: string[], env: NodeJS.ProcessEnv = {}): Failure & { stderr: string } {
  const { status, stderr } = spawnSync(...commandLine(words), {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return { code: status, said: whatFailed(stderr), stderr };
}

/** Runs one command line that is expected to fail. */
export function fail(words: string[], env: NodeJS.ProcessEnv = {}): Failure {
  const { code, said } = runCommand(words, env);
  return { code, said };
}

export function whatFailed(stderr: string): string {
  return stderr.slice(stderr.indexOf("Error: ")).trim();
}

/** Users and scripts rely on this: one line that says what is wrong, and the official CLI's exit code. */
export function expectOneLine({ code, said }: Failure, line: RegExp): void {
  expect(said).toMatch(line);
  expect([code, said.split("\n").length]).toEqual([1, 1]);
}
