import { ImageLayerCompression } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { decodeId } from "../src/core/call.ts";
import { containerKey } from "../src/core/keys.ts";
import type { ContainerState, ServiceValue } from "../src/core/values.ts";
import { type TestRun, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: (run: TestRun) => Promise<T>): Promise<T> =>
  withSession({ storePath, withDocker: false }, use);

/** What a container or service evaluates to. */
const evaluated = async <T>({ engine }: TestRun, { id }: { id(): Promise<string> }): Promise<T> =>
  engine.session.evaluate<T>(decodeId(await id()));

describe("a container without an image", () => {
  it("runs its default arguments as a service after the entry point, unless they were set since", () =>
    session(async (run) => {
      const base = run.client.container().withEntrypoint(["entry"]);
      const other = { args: ["b"] };
      const set = base.withDefaultArgs(["a"]);
      const commands = [
        base.asService(),
        set.asService(),
        set.asService({ useEntrypoint: true }),
        set.asService(other),
        set.asService({ ...other, useEntrypoint: true }),
        set.withoutDefaultArgs().asService(),
        set.withEntrypoint(["new"], { keepDefaultArgs: true }).asService(),
        set.withEntrypoint(["new"]).asService(),
      ].map(async (service) =>
        (await evaluated<ServiceValue>(run, { id: () => service.id() })).command.join(" "),
      );
      expect(await Promise.all(commands)).toEqual([
        "entry",
        "a",
        "entry a",
        "b",
        "entry b",
        "entry",
        "a",
        "new",
      ]);
    }));

  it("expands variables in both paths of a link, and refuses secret and volatile ones", () =>
    session(async ({ client }) => {
      const base = client.container().withEnvVariable("F", "file").withNewFile("/file", "here");
      const expand = { expand: true };
      expect(await base.withSymlink("$F", `/${"$"}{F}.link`, expand).file("/file.link").contents()).toBe(
        "here",
      );
      const hidden = base.withSecretVariable("S", client.setSecret("s", "x")).withVolatileVariable("V", "x");
      expect(await hidden.withEnvVariable("A", "$F$NONE", expand).envVariable("A")).toBe("file");
      await expect(hidden.withNewFile("/$S", "", expand).sync()).rejects.toThrow('secret env variable "S"');
      await expect(hidden.withEnvVariable("A", `${"$"}{V}`, expand).sync()).rejects.toThrow(
        'volatile env variable "V"',
      );
      await expect(hidden.withExec(["echo", "$S"], expand).sync()).rejects.toThrow('secret env variable "S"');
    }));

  it("is not the same with and without a volatile variable, whatever its value", () =>
    session(async (run) => {
      const key = async (container: { id(): Promise<string> }): Promise<string> =>
        containerKey(await evaluated<ContainerState>(run, { id: () => container.id() }));
      const base = run.client.container();
      const one = base.withVolatileVariable("V", "1");
      expect(await key(one)).toBe(await key(base.withVolatileVariable("V", "2")));
      expect(await key(one)).not.toBe(await key(base));
      expect(await key(one.withoutVolatileVariable("V"))).toBe(await key(base));
    }));

  it("has mounts that take the place of those at and below their paths, except of secrets", () =>
    session(async ({ client }) => {
      const secret = client.setSecret("s", "x");
      const dir = (text: string) => client.directory().withNewFile("f", text);
      const base = client
        .container()
        .withMountedDirectory("/m/inner", dir("inner"))
        .withMountedSecret("/m/secret", secret)
        .withMountedDirectory("/m", dir("outer"));
      expect(await base.mounts()).toEqual(["/m"]);
      expect(await base.directory("/m").entries()).toEqual(["f"]);
      expect(await base.withMountedDirectory("/m/inner", dir("new")).file("/m/inner/f").contents()).toBe(
        "new",
      );
      expect(await base.withoutMount("/m").mounts()).toEqual([]);
      // A secret is not part of the files, and hides none of them.
      const file = client.file("f", "plain");
      await expect(base.file("/m/secret").contents()).rejects.toThrow("no such file or directory");
      expect(await base.withMountedFile("/m/secret", file).file("/m/secret").contents()).toBe("plain");
      const temporary = base.withMountedTemp("/tmp");
      await expect(temporary.file("/tmp/f").contents()).rejects.toThrow(
        "/tmp/f: cannot retrieve path from tmpfs",
      );
    }));

  it("has no mount any more where a file is put or removed", () =>
    session(async ({ client }) => {
      const file = client.file("f", "mounted");
      const base = client.container().withNewFile("/x/below", "below").withMountedFile("/x/below", file);
      expect(await base.file("/x/below").contents()).toBe("mounted");
      expect(await base.withoutFile("/x/none").mounts()).toEqual(["/x/below"]);
      const written = base.withNewFile("/x/below", "written");
      expect([await written.mounts(), await written.file("/x/below").contents()]).toEqual([[], "written"]);
      const removed = base.withoutFile("/x/below");
      expect(await removed.mounts()).toEqual([]);
    }));

  it("is not published or exported with a compression that this engine lacks", () =>
    session(async ({ client }) => {
      const base = client.container().withNewFile("/f", "");
      const forcedCompression = ImageLayerCompression.Zstd;
      await expect(base.publish("localhost:1/x", { forcedCompression })).rejects.toThrow("no Zstd");
      await expect(base.asTarball({ forcedCompression }).sync()).rejects.toThrow("no Zstd");
    }));

  it("has no reference to an image, and an empty error is none", () =>
    session(async ({ client }) => {
      const base = client.container().withError("");
      expect(await base.workdir()).toBe("/");
      expect(await client.directory().withError("").entries()).toEqual([]);
      await expect(base.imageRef()).rejects.toThrow(
        "Image reference can only be retrieved immediately after the 'Container.From' call",
      );
    }));
});
