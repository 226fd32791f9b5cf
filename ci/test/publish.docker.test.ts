/** @module-tag slow */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { provideImage } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";
import { dagger, docker, leftovers, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");
const address = "127.0.0.1:15999";
const password = "a-password-for-one-test";
/** bcrypt hash of this password, the only type that the registry accepts. */
const hash = "$2y$10$OPhNXyFFFXN/Ou1MRGlYYulYW2o9v.de4n2NUOojEprmdJ71ntNZ6";

let registry: Docker.Container;

/** A registry that requires a password, on the loopback interface. */
beforeAll(async () => {
  await provideImage(docker, images.registry, () => undefined);
  writeFileSync(join(folder, "htpasswd"), `somebody:${hash}\n`);
  registry = await docker.createContainer({
    Image: images.registry,
    Env: [
      "REGISTRY_AUTH=htpasswd",
      "REGISTRY_AUTH_HTPASSWD_REALM=test",
      "REGISTRY_AUTH_HTPASSWD_PATH=/auth/htpasswd",
    ],
    HostConfig: {
      Binds: [`${join(folder, "htpasswd")}:/auth/htpasswd:ro`],
      PortBindings: { "5000/tcp": [{ HostIp: "127.0.0.1", HostPort: "15999" }] },
    },
  });
  await registry.start();
});

afterAll(async () => {
  await registry?.remove({ force: true, v: true });
});

function publish(secret: string, ...args: string[]): ReturnType<typeof dagger> {
  process.env.STACKLINE_TEST_PASSWORD = secret;
  const account = ["--username=somebody", "--password=env://STACKLINE_TEST_PASSWORD"];
  return dagger(cache, "call", "publish", `--repository=${address}/team/app`, ...account, ...args);
}

async function ask(path: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`somebody:${password}`).toString("base64")}`;
  const accept =
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
  return fetch(`http://${address}/v2/team/app/${path}`, { headers: { authorization, accept } });
}

describe("call publish", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";

  test("pushes one image under every tag and prints its reference by digest", async () => {
    const run = await publish(password, "--tag=nightly", `--commit=${commit}`, "--version=v1.4.2");
    expect(run.exitCode, run.end).toBe(0);
    const digest = /^127\.0\.0\.1:15999\/team\/app@(sha256:[0-9a-f]{64})$/.exec(run.stdout.trim())?.[1];
    expect(digest).toBeDefined();
    for (const tag of ["nightly", "sha-0123456789ab", "1.4.2", "1.4", "1", "latest"]) {
      expect((await ask(`manifests/${tag}`)).headers.get("docker-content-digest")).toBe(digest);
    }
    expect(run.output).not.toContain(password);
  });

  test("labels it with its revision and version", async () => {
    const manifest = (await (await ask("manifests/nightly")).json()) as { config: { digest: string } };
    const config = (await (await ask(`blobs/${manifest.config.digest}`)).json()) as {
      config: { Labels: Record<string, string> };
    };
    expect(config.config.Labels["org.opencontainers.image.revision"]).toBe(commit);
    expect(config.config.Labels["org.opencontainers.image.version"]).toBe("v1.4.2");
    expect(Object.keys(config.config.Labels).filter((name) => name.includes("session"))).toEqual([]);
  });

  test("produces equal digests for equal sources", async () => {
    const digest = async (): Promise<string> => (await publish(password, "--tag=again")).stdout.trim();
    expect(await digest()).toBe(await digest());
  });

  test("produces the same image for the engine's own platform, given by name", async () => {
    const platform = `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`;
    const named = await publish(password, "--tag=named", `--platform=${platform}`);
    expect(named.exitCode, named.end).toBe(0);
    expect(named.stdout).toBe((await publish(password, "--tag=again")).stdout);
  });

  test.each([
    ["linux/s390x", /platform linux\/s390x: the embedded engine runs linux\/\w+ only; the official engine/],
    [
      "linux/amd64,linux/arm64",
      /platform linux\/arm64: the embedded engine runs linux\/\w+ only; the official/,
    ],
    ["amd64", /"amd64" is not a platform: write it like linux\/amd64/],
  ])("refuses --platform=%s in one line, and pushes nothing", async (platform, message) => {
    const run = await publish(password, "--tag=foreign", `--platform=${platform}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(message);
    expect((await ask("manifests/foreign")).status).toBe(404);
  });

  test("fails for a wrong password without printing it", async () => {
    const run = await publish("not-the-password", "--tag=never");
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(/publish .*failed|unauthorized/i);
    expect(run.output).not.toContain("not-the-password");
    expect((await ask("manifests/never")).status).toBe(404);
  });

  test("rejects an invalid tag before it builds anything", async () => {
    const run = await publish(password, "--tag=a b");
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain('"a b" cannot be a tag');
    expect(run.stderr).not.toMatch(/build Dockerfile/);
  });

  test("leaves nothing behind in Docker", async () => {
    expect(await leftovers()).toEqual([]);
  });
});
