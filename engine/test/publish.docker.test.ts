import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

/** Debian's package docker-registry, or what the variable names. */
const binary = process.env.DOCKER_REGISTRY ?? "/usr/bin/docker-registry";
const storePath = temporaryFolder();
const PASSWORD = "push-password";
/** "pusher" and that password, as htpasswd keeps them. */
const ACCOUNT = "pusher:$2b$05$FnfZwtMdi/SpFtDJNw9CAegaxv27qQzNxAQMmOYn9bmOBUl5sU4FC";

let registry: ChildProcess;
let address: string;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!existsSync(binary))("publish", () => {
  beforeAll(async () => {
    const folder = temporaryFolder();
    address = `localhost:${await freePort()}`;
    writeFileSync(join(folder, "htpasswd"), ACCOUNT);
    const config = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: folder } },
      http: { addr: address },
      auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } },
    };
    writeFileSync(join(folder, "config.yml"), JSON.stringify(config));
    registry = spawn(binary, ["serve", join(folder, "config.yml")], { stdio: "ignore" });
    const isUp = (): Promise<boolean> =>
      fetch(`http://${address}/v2/`).then(
        () => true,
        () => false,
      );
    while (!(await isUp())) await sleep(100);
  });

  afterAll(() => {
    registry.kill();
  });

  it("pushes an image with its configuration, and tells its digest", () =>
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
      // Nothing of that name is left here: what is pulled comes from the registry.
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
      expect(output.toString()).toBe("pushed\n");
      expect(await made.publish(name)).toBe(published);
    }));

  it("says what the registry refused, without the password", () =>
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
