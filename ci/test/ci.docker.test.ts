/** @module-tag slow */

import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { copyOfApp, dagger, leftovers, type Outcome, scratchFolder, smallApp } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");

/** The lines of the table: the result of a part, and whether it ran. */
function table(text: string): Record<string, string> {
  const lines = text.matchAll(/^(lint|test|build|checks|all) +(ok|FAIL) +\d+\.\d s {2}(.+)$/gm);
  return Object.fromEntries([...lines].map(([, name, result, kept]) => [name, `${result} ${kept}`]));
}

const broken =
  'from django.test import SimpleTestCase\n\n\nclass Broken(SimpleTestCase):\n    def test_sum(self):\n        self.assertEqual(2 + 2, 5, "arithmetic is broken")\n';

describe("call ci", () => {
  let first: Outcome;
  const app = smallApp(folder);
  // So that it has results of its own in the cache that other tests share.
  appendFileSync(join(app, "manage.py"), `\n# ${Date.now()}\n`);
  const ci = (): Promise<Outcome> => dagger(cache, "call", "ci", `--app=${app}`);
  beforeAll(async () => {
    first = await ci();
  });

  test("passes when lint, test, build and checks pass, and prints a line for each", () => {
    expect(first.exitCode, first.end).toBe(0);
    expect(Object.keys(table(first.stdout))).toEqual(["lint", "test", "build", "checks", "all"]);
    expect(table(first.stdout).test).toBe("ok ran");
  });

  test("runs them in parallel: the total is less than their sum", () => {
    const seconds = [...first.stdout.matchAll(/(\d+\.\d) s/g)].map(([, text]) => Number(text));
    const all = seconds.pop() as number;
    expect(all).toBeLessThan(seconds.reduce((sum, one) => sum + one, 0));
    expect(all).toBeGreaterThanOrEqual(Math.max(...seconds));
  });

  test("answers an identical call from the cache, with the time of the cached run", async () => {
    const again = await ci();
    expect(again.exitCode).toBe(0);
    expect(again.stderr).toContain("Stackline.ci [cached]");
    expect(again.stdout).toBe(first.stdout);
    expect(table(again.stdout).all).toMatch(/^ok \d{4}-\d\d-\d\dT[\d:]{8}Z$/);
  });

  test("with a broken test fails, shows that test in its last 20 lines, and lists the parts that were cached", async () => {
    const run = await dagger(
      cache,
      "call",
      "ci",
      `--app=${smallApp(folder, { "checks/test_broken.py": broken })}`,
    );
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain("test_broken.Broken.test_sum");
    expect(run.end).toContain("arithmetic is broken");
    // It is no folder of this repository, so that its own sources are linted: with ruff.
    const expected = { lint: "ok 6 of 7 cached", test: "FAIL ran", checks: "ok ran" };
    expect(table(run.output)).toMatchObject(expected);
    expect(table(run.output).all).toMatch(/^FAIL /);
  });
});

describe("call ci-report", () => {
  test("reports the cause when the image cannot be built", async () => {
    const app = copyOfApp(folder);
    rmSync(join(app, "requirements.in"));
    writeFileSync(join(app, "requirements.txt"), "no-such-package-of-stackline==1.0\n");
    const out = join(folder, "no-image");
    const run = await dagger(cache, "call", "ci-report", `--app=${app}`, "export", `--path=${out}`);
    expect(run.exitCode, run.end).toBe(0);
    const summary = readFileSync(join(out, "summary.md"), "utf8");
    for (const part of ["test", "build", "checks"])
      expect(summary).toMatch(new RegExp(`^\\| ${part} \\| FAIL \\|`, "m"));
    expect(summary).toContain("no-such-package-of-stackline");
    expect(existsSync(join(out, "junit.xml"))).toBe(false);
  });
});

describe("check", () => {
  test("runs the same parts", async () => {
    const run = await dagger(cache, "check");
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toBe("");
    const passed = [...run.stderr.matchAll(/^✔ stackline:(\w+)$/gm)].map(([, name]) => name);
    expect(passed.sort()).toEqual(["build", "checks", "lint", "test"]);
  });

  test("and leaves nothing behind in Docker", async () => {
    expect(await leftovers()).toEqual([]);
  });
});
