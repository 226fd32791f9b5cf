/** @module-tag slow */

import { execFileSync } from "node:child_process";
import { type Container, ImageLayerCompression, ImageMediaTypes } from "@dagger.io/dagger";
import type Docker from "dockerode";
import tarStream from "tar-stream";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openBuildSession } from "../src/docker/build-session.ts";
import { expectOneLine, fail, sample } from "./command.ts";
import { type PrivateRegistry, pusher, startRegistry } from "./private-registry.ts";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const PASSWORD = pusher.password;

let registry: PrivateRegistry | undefined;
let address: string;

beforeAll(async () => {
  registry = await startRegistry(docker);
  address = registry.address;
});

/** Removes what tests have pulled. */
async function removeRepository(name: string): Promise<void> {
  for (const { RepoDigests } of await docker.listImages({ all: true })) {
    for (const ref of RepoDigests ?? [])
      if (ref.startsWith(`${name}@`)) await docker.getImage(ref).remove({ force: true });
  }
}

afterAll(() => registry?.container.remove({ force: true, v: true }));

describe("publish", () => {
  it("pushes an image with its configuration, and returns its digest", () =>
    withSession({ storePath }, async ({ client }) => {
      const name = `${address}/team/app:v1`;
      const made = client
        .container()
        .from(IMAGE)
        .withExec(["sh", "-c", "echo pushed > /made"])
        .withEntrypoint(["cat", "/made"])
        .withRegistryAuth(address, "pusher", client.setSecret("p", PASSWORD));
      const published = await made.publish(name);
      expect(published).toMatch(new RegExp(`^${name}@sha256:[0-9a-f]{64}$`));
      // No local image has this name, so the pull comes from the registry.
      await expect(docker.getImage(name).inspect()).rejects.toThrow();
      execFileSync("docker", ["login", "-u", "pusher", "--password-stdin", address], {
        input: PASSWORD,
        stdio: "pipe",
      });
      const digest = published.split("@")[1];
      const output = execFileSync("docker", ["run", "--rm", `${address}/team/app@${digest}`], {
        stdio: "pipe",
      });
      execFileSync("docker", ["logout", address], { stdio: "pipe" });
      await docker.getImage(`${address}/team/app@${digest}`).remove();
      expect(output.toString()).toBe("pushed\n");
      expect(await made.publish(name)).toBe(published);
    }));

  it.each([
    [
      "by default",
      {},
      "application/vnd.oci.image.manifest.v1+json",
      "application/vnd.oci.image.layer.v1.tar+gzip",
    ],
    [
      "with Docker's media types",
      { mediaTypes: ImageMediaTypes.DockerMediaTypes },
      "application/vnd.docker.distribution.manifest.v2+json",
      "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ],
    [
      "without compression",
      { forcedCompression: ImageLayerCompression.Uncompressed },
      "application/vnd.oci.image.manifest.v1+json",
      "application/vnd.oci.image.layer.v1.tar",
    ],
  ])("keeps annotations and makes a layer of each folder, %s", (_, options, type, layerType) =>
    withSession({ storePath }, async ({ client }) => {
      const folder = (name: string) => client.directory().withNewFile(name, name);
      const published = await client
        .container()
        .withDirectory("/one", folder("one"))
        .withDirectory("/two", folder("two"))
        .withAnnotation("org.opencontainers.image.title", "annotated")
        .withRegistryAuth(address, "pusher", client.setSecret("p", PASSWORD))
        .publish(`${address}/team/annotated`, options);
      const authorization = `Basic ${Buffer.from(`pusher:${PASSWORD}`).toString("base64")}`;
      const url = `http://${address}/v2/team/annotated/manifests/${published.split("@")[1]}`;
      const response = await fetch(url, { headers: { authorization, accept: type } });
      expect(response.headers.get("content-type")).toBe(type);
      const { mediaType, layers, annotations } = (await response.json()) as {
        mediaType: string;
        layers: { mediaType: string }[];
        annotations: Record<string, string>;
      };
      expect(mediaType).toBe(type);
      expect(annotations).toEqual({ "org.opencontainers.image.title": "annotated" });
      expect(layers.map((layer) => layer.mediaType)).toEqual([layerType, layerType]);
    }),
  );

  it("refuses compressions that Node.js does not have", () =>
    withSession({ storePath }, async ({ client }) => {
      const made = client.container().withNewFile("/a", "a");
      for (const forcedCompression of [ImageLayerCompression.Zstd, ImageLayerCompression.EstarGz])
        await expect(made.publish(`${address}/team/zstd`, { forcedCompression })).rejects.toThrow(
          /^forcedCompression: the embedded engine has no (Zstd|EStarGZ); the official engine does$/,
        );
    }));

  it("pushes the one platform variant of an empty container unchanged, with that container's credentials", () =>
    withSession({ storePath }, async ({ client }) => {
      const made = client.container({ platform: await client.defaultPlatform() }).from(IMAGE);
      const signedIn = (container: Container) =>
        container.withRegistryAuth(address, "pusher", client.setSecret("p", PASSWORD));
      const digestOf = (published: string) => published.split("@")[1];
      const alone = await signedIn(made).publish(`${address}/team/alone`);
      const variant = await signedIn(client.container()).publish(`${address}/team/variant`, {
        platformVariants: [made],
      });
      expect(digestOf(variant)).toBe(digestOf(alone));
    }));

  it("reports a push that the registry denies, without the password", () =>
    withSession({ storePath }, async ({ client }) => {
      const base = client.container().from(IMAGE);
      const wrong = base.withRegistryAuth(address, "pusher", client.setSecret("p", "wrong-password"));
      for (const attempt of [wrong, base]) {
        const error = await attempt.publish(`${address}/team/app:v2`).catch((reason) => reason);
        expect(error.message).toMatch(/publish .*team\/app:v2 failed: .*(unauthorized|no basic auth)/i);
        expect(error.message).not.toContain("wrong-password");
      }
    }));
});

/** Builds a Dockerfile with Docker's builder alone; returns its errors. */
async function buildAlone(text: string): Promise<string[]> {
  const pack = tarStream.pack();
  pack.entry({ name: "Dockerfile" }, text);
  pack.finalize();
  const { id, close } = await openBuildSession(docker, new Map());
  try {
    const options = { version: 2, session: id } as unknown as Docker.ImageBuildOptions;
    const stream = await docker.buildImage(pack as unknown as NodeJS.ReadableStream, options);
    const messages = (await new Promise((resolve, reject) =>
      docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output))),
    )) as { error?: string }[];
    return messages.flatMap(({ error }) => error ?? []);
  } finally {
    close();
  }
}

describe("from", () => {
  it("pulls with registry credentials, and reports a denial of wrong ones", () =>
    withSession({ storePath }, async ({ client }) => {
      const name = `${address}/team/private:v1`;
      const account = client.setSecret("p", PASSWORD);
      await client
        .container()
        .from(IMAGE)
        .withNewFile("/made", "pulled")
        .withRegistryAuth(address, "pusher", account)
        .publish(name);
      const wrong = client
        .container()
        .withRegistryAuth(address, "pusher", client.setSecret("w", "wrong-one"));
      const error = await wrong
        .from(name)
        .sync()
        .catch((reason) => reason);
      expect(error.message).toMatch(/private:v1 can't be pulled from .*docker login/);
      expect(error.message).not.toContain("wrong-one");
      const right = client.container().withRegistryAuth(address, "pusher", account).from(name);
      expect(await right.file("/made").contents()).toBe("pulled");
      // The registry's tag moves on, and no local image of that name hides it.
      const next = client
        .container()
        .withNewFile("/made", "newer")
        .withRegistryAuth(address, "pusher", account);
      const published = await next.publish(name);
      await withSession({ storePath }, async (later) => {
        const password = later.client.setSecret("p", PASSWORD);
        const current = later.client.container().withRegistryAuth(address, "pusher", password).from(name);
        expect(await current.file("/made").contents()).toBe("newer");
        expect(await current.imageRef()).toBe(published);
      });
      await removeRepository(`${address}/team/private`);
    }));

  it("works for one image under many tags at once, also from two sessions", async () => {
    const push = (session: number): Promise<string[]> =>
      withSession({ storePath }, async ({ client }) => {
        const made = client
          .container()
          .from(IMAGE)
          .withNewFile("/many", "tags")
          .withRegistryAuth(address, "pusher", client.setSecret("p", PASSWORD));
        const names = Array.from({ length: 6 }, (_, tag) => `${address}/team/many:s${session}-${tag}`);
        return Promise.all(names.map((name) => made.publish(name)));
      });
    // Once alone, so that all of them push the same image.
    const first = await push(0);
    const published = [...first, ...(await Promise.all([push(1), push(2), push(3)])).flat()];
    expect(new Set(published.map((reference) => reference.split("@")[1])).size).toBe(1);
    const left = await docker.listImages({ filters: { reference: ["stackline/held"] } });
    expect(left.flatMap(({ RepoTags }) => RepoTags ?? [])).toEqual([]);
  });

  it("pulls with the user's login, also the base images of a Dockerfile", () =>
    withSession({ storePath }, async ({ client }) => {
      const name = `${address}/team/base:v1`;
      const published = await client
        .container()
        .from(IMAGE)
        .withNewFile("/made", "pulled")
        .withRegistryAuth(address, "pusher", client.setSecret("p", PASSWORD))
        .publish(name);
      const direct = client.container().from(name).file("/made");
      const build = (text: string) =>
        client.directory().withNewFile("Dockerfile", text).dockerBuild().file("/made");
      await expect(build(`FROM ${name}\n`).contents()).rejects.toThrow(/base:v1 can't be pulled/);
      const login = { auth: Buffer.from(`pusher:${PASSWORD}`).toString("base64") };
      vi.stubEnv("DOCKER_AUTH_CONFIG", JSON.stringify({ auths: { [address]: login } }));
      try {
        expect(await direct.contents()).toBe("pulled");
        expect(await client.container().from(name).imageRef()).toBe(published);
        await docker.getImage(name).remove();
        expect(await build(`FROM ${name}\n`).contents()).toBe("pulled");
        await docker.getImage(name).remove();
        // Images that only the builder finds, e.g. a syntax directive's.
        expect(await buildAlone(`FROM ${name}\n`)).toEqual([]);
      } finally {
        vi.unstubAllEnvs();
      }
    }));

  it("reports an image that the registry does not have", () =>
    withSession({ storePath }, async ({ client }) => {
      const account = client.setSecret("p", PASSWORD);
      const missing = client.container().withRegistryAuth(address, "pusher", account);
      await expect(missing.from(`${address}/team/nothing:v1`).sync()).rejects.toThrow(
        /nothing:v1 can't be pulled from .*(not found|unknown)/i,
      );
    }));
});

describe("the command line reports in one line, without the password,", () => {
  const call = (...words: string[]): ReturnType<typeof fail> =>
    fail(["-m", sample, "call", "base", ...words], {
      STACKLINE_CACHE: storePath,
      PUSH_WITH: "wrong-password",
    });
  const account = ["with-registry-auth", "--username=pusher", "--secret=env:PUSH_WITH"];

  it("that a registry rejects a password", () => {
    const failure = call(...account, `--address=${address}`, "publish", `--address=${address}/team/app:v3`);
    expectOneLine(failure, /^Error: publish .*team\/app:v3 failed: .*unauthorized/i);
    expect(failure.said).not.toContain("wrong-password");
  });

  it("that a registry denies a pull", () => {
    const name = `${address}/team/secret:v1`;
    const failure = call(...account, `--address=${address}`, "from", `--address=${name}`);
    expectOneLine(failure, /^Error: .*secret:v1 can't be pulled from .*docker login/);
    expect(failure.said).not.toContain("wrong-password");
  });
});
