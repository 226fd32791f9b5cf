// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the shell and of the API.
import { describe, expect, it } from "vitest";
import { decodeId } from "../src/core/call.ts";
import type { ContainerState } from "../src/core/values.ts";
import { withRoomForLayers } from "../src/docker/bake.ts";
import { findPath } from "../src/docker/read.ts";
import { docker, IMAGE, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

const sh = (script: string): string[] => ["sh", "-c", script];

describe("a container's configuration", () => {
  it("sets environment variables, and expands references only with `expand`", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE).withEnvVariable("A", "1").withEnvVariable("A", "2");
      const raw = base.withEnvVariable("B", "$A-${A}");
      const filled = base.withEnvVariable("B", "$A-${A}-$NONE", { expand: true });
      expect(await raw.envVariable("B")).toBe("$A-${A}");
      expect(await filled.withExec(sh("echo $A:$B")).stdout()).toBe("2:2-2-\n");
      expect(await base.withExec(["echo", "$A"]).stdout()).toBe("$A\n");
      expect(await base.withExec(["echo", "$A"], { expand: true }).stdout()).toBe("2\n");
    }));

  it("removes environment variables, including those of the image and of earlier steps", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE).withEnvVariable("GONE", "x").withExec(["true"]);
      const without = base.withoutEnvVariable("GONE");
      expect(await without.withExec(sh("echo [${GONE-unset}]")).stdout()).toBe("[unset]\n");
      expect(await without.withExec(["true"]).withExec(sh("echo [${GONE-unset}]")).stdout()).toBe(
        "[unset]\n",
      );
      expect(await without.envVariable("GONE")).toBeNull();
      expect((await base.envVariables()).length).toBe((await without.envVariables()).length + 1);
    }));

  it("comes from an image in the local Docker, and reports a missing one", () =>
    session(async ({ client }) => {
      const found = client.host().containerImage(IMAGE);
      expect(await found.withExec(["cat", "/etc/debian_version"]).stdout()).toMatch(/^12\./);
      await expect(client.host().containerImage("no-such-image:here").sync()).rejects.toThrow(
        /^no-such-image:here is not in the local Docker: /,
      );
    }));

  it("runs in the working directory, and creates it", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE).withWorkdir("/deep/er").withWorkdir("down");
      expect(await base.workdir()).toBe("/deep/er/down");
      expect(await base.withExec(["pwd"]).stdout()).toBe("/deep/er/down\n");
      expect(await base.withoutWorkdir().withExec(["pwd"]).stdout()).toBe("/\n");
    }));

  it("runs as the given user", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE).withUser("nobody");
      expect(await base.withExec(["id", "-un"]).stdout()).toBe("nobody\n");
      expect(await base.withUser("12:34").withExec(sh("id -u; id -g")).stdout()).toBe("12\n34\n");
      expect(await base.withoutUser().withExec(["id", "-un"]).stdout()).toBe("root\n");
      expect(await base.user()).toBe("nobody");
    }));

  it("returns labels, ports, entry point and arguments without running anything", () =>
    session(async ({ client, view }) => {
      const base = client
        .container()
        .from(IMAGE)
        .withLabel("a", "1")
        .withLabel("b", "2")
        .withoutLabel("a")
        .withExposedPort(80, { description: "web" })
        .withExposedPort(81)
        .withoutExposedPort(81)
        .withEntrypoint(["/entry"])
        .withDefaultArgs(["x"])
        .withMountedTemp("/t");
      expect(await base.label("a")).toBeNull();
      expect(await base.label("b")).toBe("2");
      const [port, ...others] = await base.exposedPorts();
      expect(others).toEqual([]);
      expect([await port?.port(), await port?.protocol(), await port?.description()]).toEqual([
        80,
        "TCP",
        "web",
      ]);
      expect(await base.entrypoint()).toEqual(["/entry"]);
      expect(await base.defaultArgs()).toEqual(["x"]);
      expect(await base.withEntrypoint(["/other"]).defaultArgs()).toEqual([]);
      expect(await base.withEntrypoint(["/other"], { keepDefaultArgs: true }).defaultArgs()).toEqual(["x"]);
      expect(await base.mounts()).toEqual(["/t"]);
      const from = client.container().from(IMAGE);
      expect(await from.imageRef()).toContain(`docker.io/library/${IMAGE}`);
      for (const changed of [base, from.withEnvVariable("A", ""), from.withExec(["true"])])
        await expect(changed.imageRef()).rejects.toThrow("immediately after the 'Container.From' call");
      expect(view.named("done")).toEqual(["exec true"]);
    }));

  it("passes volatile variables to the process, but a new value is still a cache hit", () =>
    session(async ({ client, view }) => {
      const run = (value: string): Promise<string> =>
        client
          .container()
          .from(IMAGE)
          .withVolatileVariable("V", value)
          .withExec(sh("echo $V; date +%N"))
          .stdout();
      const first = await run("1");
      expect(first).toMatch(/^1\n/);
      expect(await run("2")).toBe(first);
      expect(view.named("done").length).toBe(1);
    }));

  it("evaluates a chain of 1,000 calls", () =>
    session(async ({ client }) => {
      let chain = client.container().from(IMAGE);
      for (let i = 0; i < 1_000; i++) chain = chain.withEnvVariable(`V${i}`, String(i));
      expect(await chain.envVariable("V999")).toBe("999");
    }));

  it("is squashed into one layer before Docker's layer limit, with the same files", () =>
    session(async ({ client, engine }) => {
      const steps = client
        .container()
        .from(IMAGE)
        .withExec(sh("echo 1 > /a; chown 5:6 /a"))
        .withExec(sh("chmod 700 /a"));
      const state = await engine.session.evaluate<ContainerState>(decodeId(await steps.id()));
      const count = async (id?: string): Promise<unknown> =>
        (await docker.getImage(id as string).inspect()).RootFS.Layers;
      expect(await count(state.image)).toHaveLength(state.layers);
      const flat = await withRoomForLayers(engine.session, state, state.layers);
      expect(flat).toMatchObject({ layers: 1, workdir: state.workdir, env: state.env });
      expect(await count(flat.image)).toHaveLength(1);
      expect(await findPath(engine.session, flat, "/a")).toMatchObject({
        entry: { uid: 5, gid: 6, mode: 0o700 },
      });
      expect(await withRoomForLayers(engine.session, state)).toBe(state);
    }));

  it("fails with the error of withError", () =>
    session(async ({ client }) => {
      await expect(client.container().from(IMAGE).withError("not today").sync()).rejects.toThrow("not today");
    }));

  it("does not see the content of a removed mount", () =>
    session(async ({ client }) => {
      const mounted = client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/m", client.directory().withNewFile("f", ""));
      await expect(mounted.withoutMount("/m").file("/m/f").contents()).rejects.toThrow("/m/f");
    }));
});
