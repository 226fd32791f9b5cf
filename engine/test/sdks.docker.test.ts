/** @module-tag slow */

import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { GO_BUILD, goProgram } from "../src/images/golang.ts";
import { need, run } from "../src/images/host.ts";
import { commandLine } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const fixtures = fileURLToPath(new URL("./fixtures/sdks", import.meta.url));
const STACKLINE_CACHE = temporaryFolder();
const report = (): void => undefined;

/** Runs a program in a session of the engine, as `dagger run` does; returns what it prints. */
function runInSession(words: string[], env: NodeJS.ProcessEnv = {}): string {
  const [program, line] = commandLine(["run", "-q", "--", ...words]);
  const { status, stdout, stderr } = spawnSync(program, line, {
    env: { ...process.env, STACKLINE_CACHE, ...env },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}:\n${stderr}`);
  return stdout;
}

const answers = "chained\nqueried\n7 why\n";

describe("a session answers", () => {
  it("the Python SDK", async () => {
    await need("pip3", ["python3-pip"], report);
    const packages = temporaryFolder();
    const requirements = join(fixtures, "python/requirements.txt");
    await run("pip3", ["install", "--quiet", "--no-deps", "--target", packages, "-r", requirements]);
    const program = join(fixtures, "python/main.py");
    expect(runInSession(["python3", program], { PYTHONPATH: packages })).toBe(answers);
  }, 300_000);

  it("the Go SDK, and a raw query of it", async () => {
    const go = await goProgram(report);
    const folder = temporaryFolder();
    cpSync(join(fixtures, "go"), folder, { recursive: true });
    const program = join(folder, "program");
    await run(go, ["-C", folder, "build", "-o", program, "."], GO_BUILD);
    expect(runInSession([program])).toBe(answers);
  }, 300_000);
});
