import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { $ } from "zx";
import { type Compose, compose1, compose2, provideImages, root } from "./tools.ts";

const checkout = mkdtempSync(join(tmpdir(), "stackline-checkout-"));

beforeAll(async () => {
  await provideImages();
  const generated = /(^|\/)(__pycache__|\.venv|\.[a-z]+_cache)$/;
  for (const name of ["app", "nginx", "scripts", "docker-compose.yml", "docker-compose.prod.yml"])
    cpSync(join(root, name), join(checkout, name), {
      recursive: true,
      filter: (path) => !generated.test(path),
    });
});

afterAll(() => rmSync(checkout, { recursive: true, force: true }));

describe.each([
  ["compose 1", compose1],
  ["compose 2", compose2],
])("on a clean checkout, %s", (_, find) => {
  let compose: Compose | undefined;
  const run = (...args: string[]) =>
    $({
      nothrow: true,
      quiet: true,
      cwd: checkout,
      // Not the ports that somebody may use already.
      env: { ...compose?.env, HTTP_PORT: "18090", APP_PORT: "18091" },
      stdio: ["ignore", "pipe", "pipe"],
    })`${compose?.command} ${args}`;

  beforeAll(async () => {
    compose = await find();
  });

  afterAll(async () => {
    if (compose) await run("-p", "test", "down", "--volumes", "--remove-orphans", "--rmi", "local");
  });

  test("reads both files without a word of complaint", async ({ skip }) => {
    if (!compose) return skip();
    for (const file of ["docker-compose.yml", "docker-compose.prod.yml"]) {
      const env = { ...compose.env, APP_IMAGE: "app", SECRETS_DIR: "/dev" };
      const read = await $({
        nothrow: true,
        quiet: true,
        cwd: checkout,
        env,
      })`${compose.command} -f ${file} config --quiet`;
      expect(read.stderr).toBe("");
      expect(read.exitCode).toBe(0);
    }
  });

  test("runs the tests, worker included, with no preparation", async ({ skip }) => {
    if (!compose) return skip();
    const started = Date.now();
    const tests = await run("-p", "test", "run", "-p", "8000", "--rm", "app", "python", "manage.py", "test");
    const count = /^Ran (\d+) tests? in/m.exec(tests.stdall)?.[1];
    console.log(
      `compose ${compose.version}: ${count} tests, ${((Date.now() - started) / 1000).toFixed(1)} s in all`,
    );
    expect(tests.exitCode, tests.stdall.slice(-3000)).toBe(0);
    expect(Number(count)).toBeGreaterThan(0);
    expect(tests.stdall).toMatch(/^OK/m);
  });

  test("comes up as a whole: six green items through nginx, and a log of every component", async ({
    skip,
  }) => {
    if (!compose) return skip();
    const up = await run("-p", "test", "up", "-d");
    expect(up.exitCode, up.stderr.slice(-2000)).toBe(0);
    const ask = () =>
      fetch("http://localhost:18090/checks/", { headers: { accept: "application/json" } }).catch(
        () => undefined,
      );
    let answer = await ask();
    for (let tries = 0; tries < 60 && !answer?.ok; tries++) {
      await new Promise((wake) => setTimeout(wake, 2000));
      answer = await ask();
    }
    if (!answer) throw new Error("nginx does not answer");
    const { checks } = (await answer.json()) as { checks: { id: string; ok: boolean }[] };
    expect(checks.map(({ ok }) => ok)).toEqual(Array(6).fill(true));
    for (const name of ["app", "worker", "beat", "postgres", "redis", "kafka", "nginx"]) {
      const logs = await run("-p", "test", "logs", "--tail", "100", name);
      expect(logs.stdout, name).toMatch(new RegExp(`${name}[-_]1 +\\|`));
    }
  });
});
