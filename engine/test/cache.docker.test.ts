import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client, Container } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { IMAGE, runProcess, type TestRun, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1], path = storePath): Promise<T> =>
  withSession({ storePath: path }, use);

const sh = (script: string): string[] => ["sh", "-c", script];

/** True if the second chain has a step that is not a cache hit after the first. */
async function runsAgain(
  first: (client: Client) => Container,
  second: (client: Client) => Container,
): Promise<boolean> {
  await session(({ client }) => first(client).withExec(["date", "+%N"]).sync());
  return session(async ({ client, view }) => {
    await second(client).withExec(["date", "+%N"]).sync();
    return view.named("done").length > 0;
  });
}

const from = (client: Client): Container => client.container().from(IMAGE);

describe("a step", () => {
  it("is a cache hit in a later session", async () => {
    const run = ({ client }: TestRun): Promise<string> =>
      from(client)
        .withMountedDirectory("/m", client.directory())
        .withExec(sh("date +%s%N | tee /m/out; echo err >&2"))
        .withExec(sh("cat /m/out"))
        .stdout();
    const first = await session(run);
    await session(async (given) => {
      expect(await run(given)).toBe(first);
      expect(given.view.named("done")).toEqual([]);
      expect(given.view.named("cached")).toHaveLength(2);
    });
  });

  it("runs again if a mode, an argument, a variable, the user, the folder or an owner changes", async () => {
    const file = (permissions: number) => (client: Client) =>
      from(client).withNewFile("/f", "x", { permissions });
    expect(await runsAgain(file(0o644), file(0o755))).toBe(true);
    const args =
      (...words: string[]) =>
      (client: Client) =>
        from(client).withExec(["echo", ...words]);
    expect(await runsAgain(args("a", "b"), args("b", "a"))).toBe(true);
    expect(await runsAgain(args("c d"), args("c", "d"))).toBe(true);
    const env = (value: string) => (client: Client) => from(client).withEnvVariable("E", value);
    expect(await runsAgain(env("1"), env("2"))).toBe(true);
    expect(
      await runsAgain(
        (c) => from(c),
        (c) => from(c).withUser("nobody"),
      ),
    ).toBe(true);
    expect(
      await runsAgain(
        (c) => from(c),
        (c) => from(c).withWorkdir("/tmp"),
      ),
    ).toBe(true);
    const mount = (owner: string) => (c: Client) =>
      from(c).withMountedDirectory("/m", c.directory(), { owner });
    expect(await runsAgain(mount("1"), mount("2"))).toBe(true);
  });

  it("does not run again if labels, entry point, annotations or ports change", async () => {
    const second = (client: Client): Container =>
      from(client)
        .withLabel("a", "b")
        .withEntrypoint(["/x"])
        .withDefaultArgs(["y"])
        .withAnnotation("c", "d")
        .withExposedPort(80);
    expect(await runsAgain(from, second)).toBe(false);
  });

  it("runs again for a file with new content or mode, but not for a new modification time", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub/f"), "x");
    const mount = (client: Client): Container =>
      from(client).withDirectory("/m", client.host().directory(folder)).withWorkdir("/m");
    const run = (): Promise<string> =>
      session(({ client }) => mount(client).withExec(sh("date +%N")).stdout());
    const first = await run();
    utimesSync(join(folder, "sub/f"), 1, 1);
    expect(await run()).toBe(first);
    chmodSync(join(folder, "sub/f"), 0o755);
    const second = await run();
    expect(second).not.toBe(first);
    writeFileSync(join(folder, "sub/f"), "y");
    expect(await run()).not.toBe(second);
  });

  it("runs again after a failure", async () => {
    const run = ({ client }: TestRun): Promise<unknown> =>
      from(client)
        .withExec(sh("date +%N; exit 1"))
        .sync()
        .catch((error) => error.stdout);
    const first = await session(run);
    expect(await session(run)).not.toBe(first);
    await session(async (given) => {
      expect(await run(given)).not.toBe(await run(given));
    });
  });

  it("runs once if two branches of a session need it at the same time", () =>
    session(async ({ client, view }) => {
      const branch = (n: number): Promise<string> =>
        from(client)
          .withExec(sh("sleep 1; date +%N > /once"))
          .withLabel("n", String(n))
          .file("/once")
          .contents();
      const [a, b] = await Promise.all([branch(1), branch(2)]);
      expect(a).toBe(b);
      expect(view.named("done")).toHaveLength(1);
    }));

  it("has the right result in both of two processes that share a store", async () => {
    const [a, b] = await Promise.all([runProcess(storePath, "shared"), runProcess(storePath, "shared")]);
    expect([a.output, b.output]).toEqual(["shared\n", "shared\n"]);
    expect((await runProcess(storePath, "shared")).output).toBe("shared\n");
  });

  it("runs again if its image or output was removed", async () => {
    const run = ({ client }: TestRun): Promise<string> =>
      from(client).withExec(sh("echo again; echo x > /x")).stdout();
    const path = temporaryFolder();
    expect(await session(run, path)).toBe("again\n");
    rmSync(join(path, "blobs"), { recursive: true });
    expect(await session(run, path)).toBe("again\n");
  });
});
