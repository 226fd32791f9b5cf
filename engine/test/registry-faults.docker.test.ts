/** @module-tag slow */

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Container } from "@dagger.io/dagger";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { commandLine, sample } from "./command.ts";
import { type Fault, FaultyRegistry } from "./faulty-registry.ts";
import { type PrivateRegistry, pusher, startRegistry } from "./private-registry.ts";
import { docker, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
let registry: PrivateRegistry;
let faulty: FaultyRegistry;
let address: string;

beforeAll(async () => {
  registry = await startRegistry(docker);
  faulty = new FaultyRegistry(registry.address);
  address = await faulty.start();
});

afterEach(() => faulty.heal());

afterAll(async () => {
  await faulty?.stop();
  await registry?.container.remove({ force: true, v: true });
});

const manifest: Pick<Fault, "method" | "path"> = { method: "PUT", path: /\/manifests\// };

const authorization = `Basic ${Buffer.from(`${pusher.username}:${pusher.password}`).toString("base64")}`;

/** An image with one small layer, signed in at the registry. */
function image(client: Client, content: string, password = pusher.password): Container {
  return client
    .container()
    .withNewFile("/content", content)
    .withRegistryAuth(address, pusher.username, client.setSecret("p", password));
}

async function tags(): Promise<string[]> {
  const all = await docker.listImages();
  return all.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith(address));
}

async function digestOf(path: string): Promise<string | null> {
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const { headers } = await fetch(`http://${registry.address}/v2/${path}`, {
    headers: { authorization, accept },
  });
  return headers.get("docker-content-digest");
}

describe("publish is repeated", () => {
  it.each([
    ["429", { status: 429, headers: { "retry-after": "2" } }, /too ?many ?requests|429/i, 2_000],
    ["503", { status: 503, body: "busy" }, /503 Service Unavailable: busy/, 1_000],
    ["a closed connection", "drop", /socket hang up/, 1_000],
    [
      "401 for a token that has expired",
      { status: 401, body: '{"errors":[{"code":"UNAUTHORIZED"}]}' },
      /token/,
      0,
    ],
  ] as const)("after %s", async (name, answer, reason, pause) => {
    await withSession({ storePath }, async ({ client, view }) => {
      faulty.faults = [{ ...manifest, times: 1, answer }];
      const published = await image(client, name).publish(`${address}/team/app:v1`);
      expect(await digestOf("team/app/manifests/v1")).toBe(published.split("@")[1]);
      expect(view.lines.filter((line) => reason.test(line) && /next attempt/.test(line))).toHaveLength(1);
      const [first, second] = faulty.seen.filter(
        ({ method, path }) => method === "PUT" && /manifests/.test(path),
      );
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(pause);
    });
  });

  it("but not if the registry refuses the tag", () =>
    withSession({ storePath }, async ({ client }) => {
      const body = '{"errors":[{"code":"DENIED","message":"the tag v1 is immutable"}]}';
      faulty.faults = [{ ...manifest, answer: { status: 403, body } }];
      await expect(image(client, "immutable").publish(`${address}/team/app:v1`)).rejects.toThrow(
        /publish .*team\/app:v1 failed: .*the tag v1 is immutable/,
      );
      expect(
        faulty.seen.filter(({ method, path }) => method === "PUT" && /manifests/.test(path)),
      ).toHaveLength(1);
      expect(await tags()).toEqual([]);
    }));
});

describe("publish", () => {
  it("reports a wrong password at once, before it sends anything", () =>
    withSession({ storePath }, async ({ client }) => {
      const started = Date.now();
      await expect(image(client, "secret", "wrong").publish(`${address}/team/new:v1`)).rejects.toThrow(
        /publish .*team\/new:v1 failed: unauthorized: .* rejects user pusher: check the password or token/,
      );
      expect(Date.now() - started).toBeLessThan(30_000);
      expect(faulty.seen.filter(({ method }) => method === "POST" || method === "PUT")).toEqual([]);
    }));

  it("follows an upload to another host", () =>
    withSession({ storePath }, async ({ client }) => {
      const uploads = new FaultyRegistry(registry.address);
      uploads.authorization = authorization;
      faulty.uploads = `http://${await uploads.start()}`;
      try {
        const published = await image(client, "redirected").publish(`${address}/team/redirected:v1`);
        expect(await digestOf("team/redirected/manifests/v1")).toBe(published.split("@")[1]);
        expect(uploads.seen.filter(({ method }) => method === "PATCH" || method === "PUT")).not.toEqual([]);
      } finally {
        faulty.uploads = undefined;
        await uploads.stop();
      }
    }));

  it("of two images under one tag at once pushes each of them", () =>
    withSession({ storePath }, async ({ client }) => {
      const name = `${address}/team/twice:v1`;
      const contents = ["one", "two", "three"];
      const together = await Promise.all(contents.map((content) => image(client, content).publish(name)));
      for (const [at, content] of contents.entries()) {
        const alone = await image(client, content).publish(`${address}/team/twice:${content}`);
        expect(together[at]?.split("@")[1]).toBe(alone.split("@")[1]);
      }
      expect(await tags()).toEqual([]);
    }));

  it("says that a registry does not answer, and ends at once when it is interrupted", async () => {
    faulty.faults = [{ ...manifest, answer: "hang" }];
    const words = [
      "with-registry-auth",
      `--address=${address}`,
      "--username=pusher",
      "--secret=env:PUSH_WITH",
    ];
    const call = ["-m", sample, "call", "base", ...words];
    const [program, line] = commandLine([...call, "publish", `--address=${address}/team/silent:v1`]);
    const child = spawn(program, line, {
      env: { ...process.env, STACKLINE_CACHE: storePath, PUSH_WITH: pusher.password },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const deadline = Date.now() + 90_000;
    while (!/no answer for \d+ s, still waiting/.test(output) && Date.now() < deadline) await sleep(200);
    expect(output).toContain(
      `publish ${address}/team/silent:v1: ${address}: no answer for 5 s, still waiting`,
    );
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    expect(await tags()).toEqual([]);
  });
});
