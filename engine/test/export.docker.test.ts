/** @module-tag slow */

import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Container } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

describe("export", () => {
  it("writes a directory with modes and links, and removes existing files only with `wipe`", () =>
    session(async ({ client }) => {
      const to = temporaryFolder();
      writeFileSync(join(to, "other"), "stays");
      const dir = client
        .directory()
        .withNewFile("sub/run", "x", { permissions: 0o755 })
        .withNewDirectory("empty", { permissions: 0o700 })
        .withSymlink("sub/run", "link");
      expect(await dir.export(to)).toBe(to);
      expect(statSync(join(to, "sub/run")).mode & 0o777).toBe(0o755);
      expect(statSync(join(to, "empty")).mode & 0o777).toBe(0o700);
      expect(readlinkSync(join(to, "link"))).toBe("sub/run");
      expect(existsSync(join(to, "other"))).toBe(true);
      await dir.export(to, { wipe: true });
      expect(readdirSync(to).sort()).toEqual(["empty", "link", "sub"]);
    }));

  it("writes a file to a path, or into a folder with allowParentDirPath", () =>
    session(async ({ client }) => {
      const to = temporaryFolder();
      mkdirSync(join(to, "folder"));
      const file = client.file("name", "x", { permissions: 0o600 });
      await file.export(join(to, "made/f"));
      expect(readFileSync(join(to, "made/f"), "utf8")).toBe("x");
      expect(statSync(join(to, "made/f")).mode & 0o777).toBe(0o600);
      await expect(file.export(join(to, "folder"))).rejects.toThrow("is a directory");
      await file.export(join(to, "folder"), { allowParentDirPath: true });
      expect(readdirSync(join(to, "folder"))).toEqual(["name"]);
    }));

  it("writes an image that docker load accepts, with exactly the container's configuration", () =>
    session(async ({ client, engine }) => {
      const path = join(temporaryFolder(), "image.tar");
      const base = client.container().from(IMAGE).withEnvVariable("DROPPED", "1").withLabel("dropped", "1");
      await base
        .withExec(["sh", "-c", "echo 'made by a step' > /made"])
        .withoutEnvVariable("DROPPED")
        .withoutLabel("dropped")
        .withEnvVariable("A", "b=c")
        .withEntrypoint(["cat"])
        .withDefaultArgs(["/made"])
        .withUser("nobody")
        .withWorkdir("/tmp")
        .withLabel("l", "v")
        .withExposedPort(80)
        .withDockerHealthcheck(["true"], { interval: "3s", retries: 4 })
        .withMountedTemp("/not-in-it")
        .export(path);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const id = /sha256:\w+/.exec(
        execFileSync("docker", ["load", "-q", "-i", path]).toString(),
      )?.[0] as string;
      const image = await docker.getImage(id).inspect();
      const original = (await docker.getImage(IMAGE).inspect()).Config;
      expect(execFileSync("docker", ["run", "--rm", id]).toString()).toBe("made by a step\n");
      const { Env, Entrypoint, Cmd, User, WorkingDir, Labels, ExposedPorts, Healthcheck, Volumes } =
        image.Config;
      expect({ Env, Entrypoint, Cmd, User, WorkingDir, Labels, ExposedPorts, Healthcheck, Volumes }).toEqual({
        Env: [...(original.Env ?? []), "A=b=c"],
        Entrypoint: ["cat"],
        Cmd: ["/made"],
        User: "nobody",
        WorkingDir: "/tmp",
        Labels: { ...original.Labels, l: "v" },
        ExposedPorts: { "80/tcp": {} },
        Healthcheck: { Test: ["CMD", "true"], Interval: 3e9, Retries: 4 },
        Volumes: null,
      });
      expect(JSON.stringify(image)).not.toContain(engine.session.id);
      expect(image.ContainerConfig?.Env ?? null).toBeNull();
      await docker.getImage(id).remove();
    }));

  it("writes the same archive for the same container, and the archive can be imported", () =>
    session(async ({ client }) => {
      const made = client
        .container()
        .from(IMAGE)
        .withNewFile("/f", "content")
        .withEnvVariable("A", "1")
        .withUser("nobody");
      const again = client.container().import_(made.asTarball());
      expect(await again.file("/f").contents()).toBe("content");
      expect([await again.envVariable("A"), await again.user()]).toEqual(["1", "nobody"]);
      expect(await made.asTarball().digest()).toBe(await made.withMountedTemp("/t").asTarball().digest());
      await expect(client.container().import_(client.file("f", "no archive")).sync()).rejects.toThrow();
    }));

  it("takes platform variants, at most one per platform", () =>
    session(async ({ client }) => {
      const made = client.container().from(IMAGE).withNewFile("/f", "content");
      const archive = client.container().asTarball({ platformVariants: [made] });
      expect(await archive.digest()).toBe(await made.asTarball().digest());
      await expect(made.asTarball({ platformVariants: [made] }).sync()).rejects.toThrow(
        /duplicate platform "linux\/\w+"/,
      );
      await expect(client.container().withUser("nobody").asTarball().sync()).rejects.toThrow(
        "no containers to export",
      );
    }));

  it("has a layer for each directory and file that was added", () =>
    session(async ({ client }) => {
      const name = "stackline-test/layers:v1";
      const dir = client.directory().withNewFile("f", "layer");
      const base = client.container().from(IMAGE);
      const layers = async (made: Container): Promise<number> => {
        await made.exportImage(name);
        const { RootFS } = await docker.getImage(name).inspect();
        await docker.getImage(name).remove();
        return RootFS.Layers?.length ?? 0;
      };
      const more = base.withDirectory("/a", dir).withDirectory("/b", dir).withNewFile("/c", "layer");
      expect((await layers(more)) - (await layers(base))).toBe(3);
    }));

  it("tags an image in the local Docker", () =>
    session(async ({ client }) => {
      await client
        .container()
        .from(IMAGE)
        .withEntrypoint(["echo", "exported"])
        .exportImage("stackline-test/exported:v1");
      expect(execFileSync("docker", ["run", "--rm", "stackline-test/exported:v1"]).toString()).toBe(
        "exported\n",
      );
      await docker.getImage("stackline-test/exported:v1").remove();
    }));
});
