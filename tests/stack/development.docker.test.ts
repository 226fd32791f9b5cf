import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { $, type ProcessPromise } from "zx";
import { readmeBlocks } from "../../ci/test/readme.ts";
import { type Compose, compose1, compose2, provideImages, root } from "./tools.ts";

const checkout = mkdtempSync(join(tmpdir(), "stackline-checkout-"));

beforeAll(async () => {
  await provideImages();
  const generated = /(^|\/)(__pycache__|\.venv|\.[a-z]+_cache)$/;
  for (const name of [
    "app",
    "ci/image",
    ".dockerignore",
    "nginx",
    "scripts",
    "docker-compose.yml",
    "docker-compose.prod.yml",
  ])
    cpSync(join(root, name), join(checkout, name), {
      recursive: true,
      filter: (path) => !generated.test(path),
    });
});

/** The commands of the README that this test runs. */
const commands = readmeBlocks()
  .filter(({ mark }) => mark === "run by: tests/stack/development.docker.test.ts")
  .flatMap(({ text }) => text.trim().split("\n"))
  .map((line) => line.replace(/\s*#.*/, ""));

afterAll(() => rmSync(checkout, { recursive: true, force: true }));

describe("on a clean checkout, compose 1", () => commandsWork(compose1));
// Built from its module, which takes minutes.
describe("on a clean checkout, compose 2", { tags: ["slow"] }, () => commandsWork(compose2));

/** This machine's IPv4 addresses, without loopback. */
function addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
}

function commandsWork(find: () => Promise<Compose | undefined>): void {
  let compose: Compose | undefined;
  const run = (...args: string[]): ProcessPromise =>
    $({
      nothrow: true,
      quiet: true,
      cwd: checkout,
      // Not the default ports, which may be in use.
      env: { ...compose?.env, HTTP_PORT: "18090", APP_PORT: "18091" },
      stdio: ["ignore", "pipe", "pipe"],
    })`${compose?.command} ${args}`;

  /** Runs a command exactly as a code block of the README has it. */
  const spoken = (command: string) => {
    expect(commands).toContain(command);
    const [, ...args] = command.split(" ");
    return run(...args);
  };

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
    const tests = await spoken("docker-compose -p test run -p 8000 --rm app python manage.py test");
    const count = /^Ran (\d+) tests? in/m.exec(tests.stdall)?.[1];
    console.log(
      `compose ${compose.version}: ${count} tests, ${((Date.now() - started) / 1000).toFixed(1)} s in all`,
    );
    expect(tests.exitCode, tests.stdall.slice(-3000)).toBe(0);
    expect(Number(count)).toBeGreaterThan(0);
    expect(tests.stdall).toMatch(/^OK/m);
  });

  test("comes up as the README has it: six green items through nginx, for this machine alone, a log of every component, and ends with it", {
    tags: ["slow"],
  }, async ({ skip }) => {
    if (!compose) return skip();
    // Compose derives the project's name from the folder.
    const filter = `label=com.docker.compose.project=${basename(checkout).toLowerCase()}`;
    const containers = async (): Promise<string> =>
      (await $({ quiet: true })`docker ps --filter ${filter} --format ${"{{.Names}} {{.Status}}"}`).stdout;
    let left: string;
    const up = spoken("docker-compose up");
    try {
      const { checks } = await untilAnswered("http://localhost:18090/checks/");
      expect(checks.map(({ ok }) => ok)).toEqual(Array(6).fill(true));
      expect(await containers()).toContain("worker");
      for (const address of addresses()) {
        for (const port of [18090, 18091])
          await expect(fetch(`http://${address}:${port}/`), `${address}:${port}`).rejects.toThrow();
      }
      const followed = spoken("docker-compose logs -f --tail 100 app worker");
      await sleep(5000);
      await followed.kill("SIGINT");
      for (const name of ["app", "worker"]) expect((await followed).stdout).toMatch(lineOf(name));
      for (const name of ["app", "worker", "beat", "postgres", "redis", "kafka", "nginx"])
        expect((await run("logs", "--tail", "100", name)).stdout, name).toMatch(lineOf(name));
    } finally {
      await up.kill("SIGINT");
      await up;
      left = await containers();
      await run("down", "--volumes", "--remove-orphans", "--rmi", "local");
    }
    expect(left).toBe("");
  });
}

const lineOf = (service: string): RegExp => new RegExp(`${service}[-_]1 +\\|`);

/** The result of /checks once nginx responds, within two minutes. */
async function untilAnswered(url: string): Promise<{ checks: { id: string; ok: boolean }[] }> {
  for (let tries = 0; tries < 60; tries++) {
    const answer = await fetch(url, { headers: { accept: "application/json" } }).catch(() => undefined);
    if (answer?.ok) return (await answer.json()) as { checks: { id: string; ok: boolean }[] };
    await sleep(2000);
  }
  throw new Error(`${url} does not answer`);
}
