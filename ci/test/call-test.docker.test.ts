import { appendFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { deadline } from "../../tests/deadline.ts";
import {
  copyOfApp,
  dagger,
  docker,
  edit,
  leftovers,
  type Outcome,
  ownContainers,
  scratchFolder,
  smallApp,
} from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");

describe("call test", () => {
  let first: Outcome;
  beforeAll(async () => {
    first = await dagger(cache, "call", "test");
  });

  test("runs at least 40 tests against real services and passes", () => {
    expect(first.exitCode, first.end).toBe(0);
    expect(Number(/^Ran (\d+) tests in/m.exec(first.stdout)?.[1])).toBeGreaterThanOrEqual(40);
    expect(first.stdout).toMatch(/^OK/m);
  });

  test("reports what each stand-in image really contains", () => {
    for (const line of first.stderr.split("\n").filter((text) => text.includes("is a stand-in"))) {
      expect(line).toMatch(/is a stand-in: .+\d/);
    }
  });

  // Of an application that no other test calls at the same moment.
  test("rebuilds no base, dependency or service image after an edit of one line, and answers an identical call in under 5 s", async () => {
    const app = copyOfApp(folder);
    expect((await dagger(cache, "call", "test", `--app=${app}`)).exitCode).toBe(0);
    edit(join(app, "manage.py"), (text) => `${text}\n# edited\n`);
    const after = await dagger(cache, "call", "test", `--app=${app}`);
    expect(after.exitCode, after.end).toBe(0);
    expect(after.stderr).toMatch(/install\.py requirements\.txt.*\(cached\)/);
    expect(after.stderr).not.toMatch(/using a stand-in|assembling/);

    const again = await dagger(cache, "call", "test", `--app=${app}`);
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toBe(after.stdout);
    expect(again.stderr).toMatch(/Stackline\.test \[cached\]/);
    expect(again.elapsed).toBeLessThan(deadline(5) * 1000);
  });
});

describe("a run fails, with the cause in its last 20 lines, for", { tags: ["slow"] }, () => {
  test("a broken assertion", async () => {
    const app = smallApp(folder, {
      "checks/test_broken.py":
        'from django.test import SimpleTestCase\n\n\nclass Broken(SimpleTestCase):\n    def test_sum(self):\n        self.assertEqual(2 + 2, 5, "arithmetic is broken")\n',
    });
    const run = await dagger(cache, "call", "test", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain("arithmetic is broken");
    expect(run.end).toContain("test_broken");
  });

  test("a syntax error", async () => {
    const app = smallApp(folder, { "checks/test_broken.py": "def broken(:\n" });
    const run = await dagger(cache, "call", "test", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain("SyntaxError");
  });

  test("a test that hangs", async () => {
    const app = copyOfApp(folder);
    writeFileSync(
      join(app, "checks", "test_hang.py"),
      "import time\n\nfrom django.test import SimpleTestCase\n\n\nclass Hang(SimpleTestCase):\n    def test_hang(self):\n        time.sleep(3600)\n",
    );
    const run = await dagger(cache, "call", "test", `--app=${app}`, "--timeout=45");
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain("TIMEOUT checks.test_hang.Hang.test_hang was still running after 45 s");
    expect(run.end).toContain("at checks/test_hang.py:8 in test_hang");
  });

  test("an application without a single test", async () => {
    const app = copyOfApp(folder);
    const isTest = (path: string): boolean => /(^|\/)test_\w+\.py$/.test(path);
    for (const path of readdirSync(app, { recursive: true, encoding: "utf8" }).filter(isTest)) {
      rmSync(join(app, path), { recursive: true, force: true });
    }
    const run = await dagger(cache, "call", "test", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(/no test was found/i);
  });

  test("requirements that cannot be installed", async () => {
    const app = copyOfApp(folder);
    rmSync(join(app, "requirements.in"));
    writeFileSync(join(app, "requirements.txt"), "no-such-package-of-stackline==1.0\n");
    const run = await dagger(cache, "call", "test", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain("no-such-package-of-stackline");
  });

  test("a database that never becomes ready", async () => {
    const app = copyOfApp(folder);
    appendFileSync(join(app, "manage.py"), "\n# another run than the others\n");
    const running = dagger(cache, "call", "test", `--app=${app}`);
    await stopPostgres(running);
    const run = await running;
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(/service .*postgres.* did not become ready/);
  });

  test("and leaves nothing behind in Docker", async () => {
    expect(await leftovers()).toEqual([]);
  });
});

/** IDs of the images that the module and the application's Dockerfile name: bases, services, stand-ins. */
/**
 * Stops the processes of the run's database as soon as its container exists. `docker pause` does not work here: it also freezes
 * a health check that has just started, and Docker then waits for it before any other request.
 */
async function stopPostgres(running: Promise<Outcome>): Promise<void> {
  let isOver = false;
  void running.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const database = (await ownContainers()).find(
      ({ Command }) => Command.includes("docker-entrypoint.sh postgres") || Command.includes("fsync=off"),
    );
    if (database) {
      const { Titles, Processes } = await docker.getContainer(database.Id).top();
      for (const row of Processes) process.kill(Number(row[Titles.indexOf("PID")]), "SIGSTOP");
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
