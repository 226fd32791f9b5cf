/** @module-tag slow */

import { appendFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { $ } from "zx";
import { type Compose, compose1, compose2 } from "../../tests/stack/tools.ts";
import { basesFor } from "../src/packaging/bases.ts";
import { images } from "../src/versions.ts";
import { daggerIn, type Outcome, root, scratchFolder } from "./support.ts";

const cache = inject("sharedCache");
const shop = join(scratchFolder(), "shop");
const path = (name: string): string => join(shop, name);
const read = (name: string): string => readFileSync(path(name), "utf8");

/** As a person does it, in the project's folder. */
const adopt = (...args: string[]): Promise<Outcome> =>
  daggerIn(shop, cache, "-q", "-m", root, "call", "adopt", "--source=.", ...args, "export", "--path=.");

beforeAll(async () => {
  cpSync(join(root, "ci/test/fixtures/projects/shop"), shop, { recursive: true });
  const run = await adopt();
  expect(run.exitCode, run.end).toBe(0);
});

describe.each([
  ["1", compose1],
  ["2", compose2],
])("compose %s", (_, find) => {
  test("reads both adopted files without a word of complaint", async ({ skip }) => {
    const compose = await find();
    if (!compose) return skip();
    const env = { ...compose.env, APP_IMAGE: "app", SECRETS_DIR: "/dev" };
    for (const file of ["docker-compose.yml", "docker-compose.prod.yml"]) {
      const run = $({ nothrow: true, quiet: true, cwd: shop, env });
      const { stderr, exitCode } = await run`${compose.command} -f ${file} config --quiet`;
      expect([file, exitCode, stderr]).toEqual([file, 0, ""]);
    }
  });
});

test("the repository with the adopted files passes lint", async () => {
  const run = await daggerIn(shop, cache, "-q", "-m", root, "call", "lint", "--source=.");
  expect(run.exitCode, run.end).toBe(0);
  expect(run.stdout).toMatch(/^compose +ok$/m);
});

describe("the adopted stack", () => {
  const ports = { HTTP_PORT: "18190", HTTPS_PORT: "18191", APP_PORT: "18192", LISTEN_ADDRESS: "127.0.0.1" };
  const image = "adopted-shop:production";
  let compose: Compose;
  const run = (file: string, ...args: string[]) =>
    $({ nothrow: true, quiet: true, cwd: shop, env: { ...compose.env, ...ports, APP_IMAGE: image } })`${
      compose.command
    } -p ${file.includes("prod") ? "adopted-production" : "adopted"} -f ${file} ${args}`;

  beforeAll(async () => {
    compose = await compose1();
    const { full, slim } = basesFor("3.10");
    const needed = [full, slim, images.uv, images.postgres, images.redis, images.nginx];
    await $({ quiet: true, cwd: root })`scripts/images ${needed}`;
  });
  afterAll(async () => {
    await run("docker-compose.prod.yml", "down", "--volumes");
    await run("docker-compose.yml", "down", "--volumes", "--rmi", "local");
    await $({ quiet: true, nothrow: true })`docker image rm ${image}`;
  });

  test("serves the sources in development, and runs their tests", async () => {
    const up = await run("docker-compose.yml", "up", "-d");
    expect(up.exitCode, up.stdall.slice(-3000)).toBe(0);
    expect(await untilAnswered("http://localhost:18190/")).toBe("<h1>hello</h1>");
    const style = await fetch("http://localhost:18190/static/site.css");
    expect(style.headers.get("content-type")).toBe("text/css");
    const tests = await run("docker-compose.yml", "run", "--rm", "app", "pytest", "-p", "no:cacheprovider");
    expect(tests.stdall).toMatch(/4 passed/);
    await $({ quiet: true })`docker tag adopted_app ${image}`;
    await run("docker-compose.yml", "down", "--volumes");
  });

  test("serves in production by hand, with secrets of its own", async () => {
    await $({ quiet: true, cwd: shop })`scripts/secrets`;
    expect(read("secrets/POSTGRES_DB")).toBe("shop");
    const up = await run("docker-compose.prod.yml", "up", "-d");
    expect(up.exitCode, up.stdall.slice(-3000)).toBe(0);
    expect(await untilAnswered("http://localhost:18190/")).toBe("<h1>hello</h1>");
  });
});

describe("a second time", () => {
  test("adopt changes nothing", async () => {
    const before = read("docker-compose.yml");
    const run = await adopt();
    expect(run.exitCode, run.end).toBe(0);
    expect(read("docker-compose.yml")).toBe(before);
  });

  test("it refuses to overwrite an edited file, and leaves it as it is", async () => {
    appendFileSync(path("nginx/nginx.conf"), "# mine\n");
    const run = await adopt();
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(
      /adopt would overwrite nginx\/nginx\.conf: move them away, or overwrite them with --force/,
    );
    expect(read("nginx/nginx.conf")).toMatch(/# mine\n$/);
  });

  test("it overwrites it with --force, but no configuration of the project", async () => {
    writeFileSync(path("environments/prod.json"), "{}");
    const run = await adopt("--force");
    expect(run.exitCode, run.end).toBe(0);
    expect(read("nginx/nginx.conf")).not.toContain("# mine");
    expect(read("environments/prod.json")).toBe("{}");
  });
});

/** The page once nginx serves it, within a minute. */
async function untilAnswered(url: string): Promise<string> {
  for (let tries = 0; tries < 30; tries++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return answer.text();
    await sleep(2000);
  }
  throw new Error(`${url} does not answer`);
}
