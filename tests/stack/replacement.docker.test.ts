/** @module-tag slow */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { $ } from "zx";
import { images } from "../../ci/src/versions.ts";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { type Compose, compose1, compose2, root } from "./tools.ts";

const directory = temporaryFolder();
const project = `stackline-replacement-${process.pid}`;
const port = await freePort();
let first: Compose;
let second: Compose | undefined;

/** The networks, ports and health of production's nginx, and a data service. */
const file = `services:
  nginx:
    image: \${NGINX_IMAGE:-${images.nginx}}
    init: true
    command: \${COMMAND:-nginx -g "daemon off;"}
    environment: { LIMIT: "\${LIMIT:-1}" }
    networks: [edge, front]
    ports: ["127.0.0.1:${port}:80"]
    stop_signal: SIGQUIT
    stop_grace_period: 40s
    healthcheck: { test: [CMD, curl, -fs, "http://127.0.0.1/"], interval: 1s }
  redis:
    image: ${images.redis}
    networks: [data]
    volumes: ["redis:/data"]
networks:
  edge: {}
  front: { internal: true }
  data: { internal: true }
volumes: { redis: {} }
`;

beforeAll(async () => {
  await $({ quiet: true, cwd: root })`scripts/images ${[images.nginx, images.redis]}`;
  [first, second] = [await compose1(), await compose2()];
  mkdirSync(join(directory, "live/nginx/switch"), { recursive: true });
  for (const name of ["one", "two"]) writeRelease(name, {});
  expect((await deploy("one", first)).code).toBe(0);
});

afterAll(async () => {
  const ids = `docker ps -aq --filter label=com.docker.compose.project=${project}`;
  await $({ quiet: true, nothrow: true })`bash -c ${`docker rm -fv $(${ids})
    docker network rm ${["edge", "front", "data"].map((name) => `${project}_${name}`).join(" ")}; docker volume rm ${project}_redis`}`;
});

function writeRelease(name: string, settings: Record<string, string>): void {
  const folder = join(directory, "releases", name);
  for (const part of ["templates", "entrypoint", "maintenance"])
    mkdirSync(join(folder, "nginx", part), { recursive: true });
  writeFileSync(join(folder, "docker-compose.prod.yml"), file);
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(join(folder, "release.env"), ["APP_IMAGE=none\n", ...lines].join(""));
}

/** What a deploy does to these services with one version of compose. */
async function deploy(
  release: string,
  { env }: Compose,
  patience = 60,
): Promise<{ code: number | null; said: string }> {
  const script = `set -euo pipefail; here=${root}scripts/host directory=${directory}
    for part in say settings paths compose definitions run images files database nginx replace-nginx; do . $here/lib/$part.sh; done
    project=${project} data_services=(redis) nginx_patience=${patience} payload=$releases/${release}
    redacted() { cat; }
    announce_replacements $payload; bring_up $payload redis; apply_nginx $payload
    ln -sfn releases/${release} $directory/current`;
  const run = await $({ quiet: true, nothrow: true, env })`bash -c ${script}`;
  return { code: run.exitCode, said: run.stdall };
}

const ids = async (): Promise<string[]> =>
  (
    await $({
      quiet: true,
    })`docker ps --no-trunc --filter label=com.docker.compose.project=${project} --format ${'{{.Label "com.docker.compose.service"}} {{.ID}}'}`
  ).stdout
    .trim()
    .split("\n")
    .sort();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address && typeof address === "object" ? address.port : 0;
}

/** Asks nginx for something on connections of their own until it is stopped: the longest time without an answer, in ms. */
function watch(): { longestGap: () => Promise<number> } {
  let ended = false;
  let longest = 0;
  const asking = (async () => {
    for (let last = Date.now(); !ended; await new Promise((wake) => setTimeout(wake, 20))) {
      const isAnswered = await fetch(`http://127.0.0.1:${port}/`, {
        headers: { connection: "close" },
        signal: AbortSignal.timeout(1000),
      }).then(
        async (answer) => (await answer.text()) !== "" && answer.ok,
        () => false,
      );
      longest = Math.max(longest, Date.now() - last);
      if (isAnswered) last = Date.now();
    }
  })();
  return {
    longestGap: async () => {
      ended = true;
      await asking;
      return longest;
    },
  };
}

describe("containers whose definition and image have not changed", () => {
  test("stay when another version of compose deploys, and when the first one does again", async () => {
    if (!second) return;
    const before = await ids();
    for (const [release, compose] of [
      ["two", second],
      ["one", first],
      ["two", second],
    ] as const) {
      const run = await deploy(release, compose);
      expect(run).toEqual({ code: 0, said: "" });
      expect(await ids()).toEqual(before);
    }
  });
});

describe("nginx", () => {
  test.each([1, 2])(
    "is replaced with a short gap, which is announced and measured: compose %s",
    async (version) => {
      const compose = version === 1 ? first : second;
      if (!compose) return;
      const [redis, before] = (await ids()).reverse();
      const release = `limited-${version}`;
      writeRelease(release, { LIMIT: String(version + 1) });
      const watched = watch();
      const run = await deploy(release, compose);
      const gap = await watched.longestGap();
      expect(run.code, run.said).toBe(0);
      console.log(`compose ${compose.version}: ${gap} ms without an answer\n${run.said}`);
      expect(run.said).toMatch(
        /^replaced {5}nginx: no answer for about \d+(\.\d)? s; requests that take longer than 1 s/,
      );
      expect(run.said).toMatch(/^nginx was replaced: no answer for at most \d+\.\d s$/m);
      // A second or less on a machine that is not busy. The old way waits for all requests and starts the container.
      expect(gap).toBeLessThan(15_000);
      const now = await ids();
      expect(now).toHaveLength(2);
      expect(now).toContain(redis);
      expect(now).not.toContain(before);
      expect((await deploy(release, compose)).said).toBe("");
      expect(await ids()).toEqual(now);
    },
  );

  test("serves on when its new container cannot become healthy", async () => {
    const before = await ids();
    writeRelease("broken", { COMMAND: "sleep 100" });
    const watched = watch();
    const run = await deploy("broken", first, 10);
    expect(run.code).not.toBe(0);
    expect(run.said).toMatch(
      /FAILED: nginx's new container is not healthy: see above; the old one serves on/,
    );
    expect(await watched.longestGap()).toBeLessThan(15_000);
    expect(await ids()).toEqual(before);
  });

  test("has its ports again after a restart of its new container", async () => {
    const [, id = ""] = ((await ids()).find((line) => line.startsWith("nginx")) ?? "").split(" ");
    await $({ quiet: true })`docker restart ${id}`;
    const watched = watch();
    await new Promise((wake) => setTimeout(wake, 1000));
    expect(await watched.longestGap()).toBeLessThan(10_000);
    expect(readFileSync(join(directory, "nginx-gap"), "utf8")).toMatch(/^\d+\.\d\n$/);
  });
});
