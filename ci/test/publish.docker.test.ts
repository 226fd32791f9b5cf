/** @module-tag slow */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { provideImage } from "../../engine/src/images/index.ts";
import { FaultyRegistry } from "../../engine/test/faulty-registry.ts";
import { images } from "../src/versions.ts";
import { copyOfApp, dagger, docker, leftovers, scratchFolder } from "./support.ts";

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
  await removePulled();
});

/** Removes the images that `publish` has pulled to compare them. */
async function removePulled(): Promise<void> {
  for (const { RepoDigests } of await docker.listImages()) {
    const pulled = (RepoDigests ?? []).filter((name) => /\/team\/(moving|again|immutable)@/.test(name));
    for (const name of pulled) await docker.getImage(name).remove({ noprune: true } as never);
  }
}

function publish(secret: string, ...args: string[]): ReturnType<typeof dagger> {
  return publishTo(`${address}/team/app`, secret, ...args);
}

function publishTo(repository: string, secret: string, ...args: string[]): ReturnType<typeof dagger> {
  process.env.STACKLINE_TEST_PASSWORD = secret;
  const account = ["--username=somebody", "--password=env://STACKLINE_TEST_PASSWORD"];
  return dagger(cache, "call", "publish", `--repository=${repository}`, ...account, ...args);
}

async function ask(path: string, repository = "team/app"): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`somebody:${password}`).toString("base64")}`;
  const accept =
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
  return fetch(`http://${address}/v2/${repository}/${path}`, { headers: { authorization, accept } });
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
    expect(run.end).toMatch(/publish .*failed: unauthorized/i);
    expect(run.output).not.toContain("not-the-password");
    expect((await ask("manifests/never")).status).toBe(404);
  });

  test("rejects an invalid tag before it builds anything", async () => {
    const run = await publish(password, "--tag=a b");
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain('"a b" cannot be a tag');
    expect(run.stderr).not.toMatch(/build Dockerfile/);
  });

  test.each(["\n", "\r\n"])("takes a password from a file that ends with %j", async (end) => {
    const file = join(folder, "password");
    writeFileSync(file, password + end);
    const account = ["--username=somebody", `--password=file:${file}`];
    const run = await dagger(
      cache,
      "call",
      "publish",
      `--repository=${address}/team/app`,
      ...account,
      "--tag=file",
    );
    expect(run.exitCode, run.end).toBe(0);
    expect(run.output).not.toContain(password);
  });

  test("leaves nothing behind in Docker", async () => {
    expect(await leftovers()).toEqual([]);
  });
});

describe("call publish of a version", () => {
  const digestOf = async (tag: string, repository: string): Promise<string | null> =>
    (await ask(`manifests/${tag}`, repository)).headers.get("docker-content-digest");
  const printed = ({ stdout }: { stdout: string }): string => stdout.trim().split("@")[1] ?? "";

  test("never moves tags back unless told to, and says so", async () => {
    const repository = "team/moving";
    const release = (...args: string[]) => publishTo(`${address}/${repository}`, password, ...args);
    const digests = (...tags: string[]) => Promise.all(tags.map((tag) => digestOf(tag, repository)));
    const newest = await release("--version=v1.4.6");
    expect(newest.exitCode, newest.end).toBe(0);
    expect(await digests("1.4", "1", "latest")).toEqual(Array(3).fill(printed(newest)));

    const older = await release("--version=v1.3.9");
    expect(older.exitCode, older.end).toBe(0);
    expect(await digests("1.3.9", "1.3")).toEqual(Array(2).fill(printed(older)));
    expect(await digests("1", "latest")).toEqual(Array(2).fill(printed(newest)));
    expect(older.stderr).toContain("the tag latest stays: it is at 1.4.6, which is newer than 1.3.9");
    expect(older.stdout.trim()).toBe(`${address}/${repository}@${printed(older)}`);

    const next = await release("--version=v2.0.0-rc.1");
    expect(next.exitCode, next.end).toBe(0);
    expect(await digests("latest", "2")).toEqual([printed(newest), null]);

    const alone = await release("--version=v1.5.0", "--no-moving-tags");
    expect(alone.exitCode, alone.end).toBe(0);
    expect(await digests("1.5.0", "1.5", "latest")).toEqual([printed(alone), null, printed(newest)]);

    const back = await release("--version=v1.3.9", "--move-back");
    expect(back.exitCode, back.end).toBe(0);
    expect(await digests("1", "latest")).toEqual(Array(2).fill(printed(older)));
  });

  test("is refused with other content, except with --force, and is idempotent with the same", async () => {
    const repository = "team/again";
    const release = (...args: string[]) =>
      publishTo(`${address}/${repository}`, password, "--version=v1.0.0", ...args);
    const first = await release();
    expect(first.exitCode, first.end).toBe(0);

    const same = await release();
    expect([same.exitCode, same.stdout], same.end).toEqual([0, first.stdout]);

    const app = copyOfApp(folder);
    writeFileSync(join(app, "manage.py"), `${readFileSync(join(app, "manage.py"), "utf8")}# changed\n`);
    const changed = await release(`--app=${app}`);
    expect(changed.exitCode).toBe(1);
    expect(changed.end).toMatch(/1\.0\.0 is already published with other content \(sha256:.*publish --force/);
    expect(await digestOf("1.0.0", repository)).toBe(printed(first));

    const forced = await release(`--app=${app}`, "--force");
    expect(forced.exitCode, forced.end).toBe(0);
    expect(forced.stderr).toMatch(/1\.0\.0 is already published with other content .* and is overwritten/);
    expect(printed(forced)).not.toBe(printed(first));
    expect(await digestOf("1.0.0", repository)).toBe(printed(forced));
  });

  test("to a registry with immutable tags lists what is pushed, and succeeds without the moving tags", async () => {
    const faulty = new FaultyRegistry(address);
    const host = await faulty.start();
    try {
      const release = (...args: string[]) =>
        publishTo(`${host}/team/immutable`, password, "--version=v1.4.3", ...args);
      const body = '{"errors":[{"code":"TAG_INVALID","message":"the tag latest is immutable"}]}';
      faulty.faults = [{ method: "PUT", path: /manifests\/latest$/, answer: { status: 400, body } }];
      const run = await release();
      expect(run.exitCode).toBe(1);
      expect(run.end).toMatch(
        /latest is not pushed \(.*immutable\); pushed: 1\.4\.3, .* as 127.*@sha256:[0-9a-f]{64}; --no-moving-tags/,
      );
      const fixed = await release("--no-moving-tags");
      expect(fixed.exitCode, fixed.end).toBe(0);
      expect(await digestOf("1.4.3", "team/immutable")).toBe(printed(fixed));
    } finally {
      await faulty.stop();
    }
  });
});
