import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { root } from "../../scripts/lib/module.ts";

const red = "ok   nginx\nFAIL Redis: connection refused\nFAIL Celery: no worker answered";
const green = "ok   nginx\nok   Redis\nok   Celery";

/** Runs the retries of verify against a program `docker` that prints one answer for each call. */
function readChecks(answers: { said: string; code: number }[]): { status: number | null; stdout: string } {
  const folder = temporaryFolder();
  for (const [at, { said, code }] of answers.entries())
    writeFileSync(join(folder, `answer${at + 1}`), `cat <<'SAID'\n${said}\nSAID\nexit ${code}\n`);
  const docker = `#!/bin/sh\necho >>"${folder}/calls"\n. "${folder}/answer$(wc -l <"${folder}/calls")"\n`;
  writeFileSync(join(folder, "docker"), docker, { mode: 0o755 });
  const lib = join(root, "scripts/host/lib");
  const script = `. "$1/say.sh"; . "$1/verify.sh"; verify_tries=3; sleep() { :; }; read_checks id http://nginx`;
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  return spawnSync("bash", ["-uc", script, "bash", lib], { encoding: "utf8", env });
}

describe("the retries of verify", () => {
  test("say after each try which items are red", () => {
    const { status, stdout } = readChecks([
      { said: red, code: 1 },
      { said: "Traceback\nURLError: timed out", code: 1 },
      { said: green, code: 0 },
    ]);
    expect(status).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "  try 1 of 3: Redis: connection refused; Celery: no worker answered",
      "  try 2 of 3: URLError: timed out",
      ...green.split("\n").map((line) => `  ${line}`),
      "",
    ]);
  });

  test("end with the whole answer of the last", () => {
    const { status, stdout } = readChecks(Array(3).fill({ said: red, code: 1 }));
    expect(status).toBe(1);
    expect(stdout).toMatch(/try 2 of 3: Redis/);
    expect(stdout).not.toMatch(/try 3 of 3/);
    expect(stdout.endsWith("  FAIL Redis: connection refused\n  FAIL Celery: no worker answered\n")).toBe(
      true,
    );
  });

  test("say when there was no answer at all", () => {
    const { stdout } = readChecks([
      { said: "", code: 124 },
      { said: green, code: 0 },
    ]);
    expect(stdout).toMatch(/^ {2}try 1 of 3: no answer$/m);
  });
});
