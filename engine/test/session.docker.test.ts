import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type ContainerID, ReturnType } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { Engine } from "../src/engine.ts";
import {
  docker,
  IMAGE,
  leftovers,
  post,
  RecordingView,
  startProcess,
  temporaryFolder,
  withSession,
} from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> => withSession({ storePath }, use);

interface Answer {
  data?: unknown;
  errors?: { message: string; extensions?: unknown }[];
}

describe("the endpoint", () => {
  it("rejects requests without the token", () =>
    session(async ({ engine }) => {
      for (const token of ["", "wrong", "x".repeat(48)])
        expect((await post(engine, "{ version }", token)).status).toBe(401);
      const bare = await fetch(`http://127.0.0.1:${engine.server.port}/query`, {
        method: "POST",
        body: "{}",
      });
      expect(bare.status).toBe(401);
      expect((await post(engine, "{ version }")).status).toBe(200);
    }));

  it("listens on loopback only", () =>
    session(async ({ engine }) => {
      const { networkInterfaces } = await import("node:os");
      const outside = Object.values(networkInterfaces())
        .flat()
        .find((address) => address?.family === "IPv4" && !address.internal);
      if (!outside) return;
      await expect(fetch(`http://${outside.address}:${engine.server.port}/query`)).rejects.toThrow();
    }));

  it("names an unsupported field in the error, with the remedy", () =>
    session(async ({ engine }) => {
      const { errors } = (await (
        await post(engine, "{ container { experimentalWithAllGPUs { id } } }")
      ).json()) as Answer;
      expect(errors?.[0]?.message).toMatch(
        /^Container\.experimentalWithAllGPUs is not part of the embedded engine.*STACKLINE_ENGINE=dagger/,
      );
    }));

  it("survives invalid, large and deeply nested queries", () =>
    session(async ({ engine }) => {
      expect((await post(engine, "{ not graphql")).status).toBe(400);
      const deep = (depth: number): string =>
        `{ container${" { withoutUser".repeat(depth)} { user }${" }".repeat(depth)} }`;
      const answer = (await (await post(engine, deep(1_000))).json()) as Answer;
      expect(answer.errors).toBeUndefined();
      await post(engine, deep(50_000));
      const large = `{ version ${"# comment\n".repeat(100_000)} }`;
      expect((await post(engine, large)).status).toBe(200);
      expect((await post(engine, "{ version }")).status).toBe(200);
    }));

  it("accepts IDs from another session, and rejects invalid ones", async () => {
    const id = await session(({ client }) =>
      client.container().from(IMAGE).withEnvVariable("A", "1").withExec(["sh", "-c", "echo $A"]).id(),
    );
    await session(async ({ client, engine }) => {
      expect(await client.loadContainerFromID(id as unknown as ContainerID).stdout()).toBe("1\n");
      const broken = (await (await post(engine, `{ node(id: "nonsense") { id } }`)).json()) as Answer;
      expect(broken.errors?.[0]?.message).toMatch(/^invalid ID "nonsense"/);
      const file = await client.file("f", "x").id();
      const query = `{ container { withDirectory(path: "/", source: "${file}") { user } } }`;
      const wrong = (await (await post(engine, query)).json()) as Answer;
      expect(wrong.errors?.[0]?.message).toMatch(/source.*Directory.*File/);
    });
  });

  it("accepts both names of an enum value", () =>
    session(async ({ client, engine }) => {
      const kinds = ["STRING", "STRING_KIND"].map(async (kind) => {
        const query = `{ typeDef { withKind(kind: ${kind}) { kind } } }`;
        return ((await (await post(engine, query)).json()) as Answer).data;
      });
      expect(await Promise.all(kinds)).toEqual(
        Array(2).fill({ typeDef: { withKind: { kind: "STRING_KIND" } } }),
      );
      await client.container().from(IMAGE).withExec(["false"], { expect: ReturnType.Any }).sync();
    }));

  it("returns a failed command's details in the error's extensions", () =>
    session(async ({ engine }) => {
      const query = `{ container { from(address: "${IMAGE}") { withExec(args: ["sh", "-c", "exit 5"]) { exitCode } } } }`;
      const { errors } = (await (await post(engine, query)).json()) as Answer;
      expect(errors?.[0]?.extensions).toEqual({
        _type: "EXEC_ERROR",
        cmd: ["sh", "-c", "exit 5"],
        exitCode: 5,
        stdout: "",
        stderr: "",
      });
    }));
});

describe("the end of a session", () => {
  it("leaves nothing in Docker, in memory or in the store's temporary folder", async () => {
    const id = await session(async ({ client, engine }) => {
      await client
        .container()
        .from(IMAGE)
        .withMountedDirectory("/m", client.directory())
        .withMountedFile("/f", client.file("f", ""))
        .withMountedSecret("/s", client.setSecret("s", "x"))
        .withExec(["true"])
        .sync();
      return engine.session.id;
    });
    expect(await leftovers(id)).toEqual([]);
    expect(readdirSync("/dev/shm").filter((name) => name.startsWith(`stackline-${process.pid}.`))).toEqual(
      [],
    );
    expect(readdirSync(join(storePath, "tmp"))).toEqual([]);
  });

  it("stops running steps without waiting for them", async () => {
    const view = new RecordingView();
    const engine = new Engine({ view, storePath });
    await engine.start(true);
    const query = `{ container { from(address: "${IMAGE}") { withExec(args: ["sleep", "60"]) { stdout } } } }`;
    const answer = post(engine, query).catch(() => undefined);
    await expect.poll(() => leftovers(engine.session.id), { timeout: 60_000 }).not.toEqual([]);
    const started = Date.now();
    await engine.close();
    expect(Date.now() - started).toBeLessThan(30_000);
    await answer;
    expect(await leftovers(engine.session.id)).toEqual([]);
  });

  it("by kill -9 is cleaned up by the next start", async () => {
    const path = temporaryFolder();
    const child = startProcess(path, "never", 60);
    const owned = async (): Promise<string[]> =>
      (await leftovers()).filter((name) => name.includes(`_${child.pid}.`));
    const secrets = (): string[] =>
      readdirSync("/dev/shm").filter((name) => name.startsWith(`stackline-${child.pid}.`));
    // The secret of its step, the step, and the service that it is bound to.
    await expect.poll(secrets, { timeout: 120_000 }).toHaveLength(1);
    await expect.poll(async () => (await owned()).length, { timeout: 120_000 }).toBe(2);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await withSession({ storePath: path }, async () => undefined);
    expect(await owned()).toEqual([]);
    expect(secrets()).toEqual([]);
    expect(readdirSync(join(path, "tmp"))).toEqual([]);
  });

  it("does not touch containers that others started from its images", async () => {
    const image = await session(async ({ client, engine }) => {
      const ran = client.container().from(IMAGE).withExec(["sh", "-c", "echo theirs"]);
      await ran.sync();
      const { decodeId } = await import("../src/core/call.ts");
      return (await engine.session.evaluate<{ image: string }>(decodeId(await ran.id()))).image;
    });
    const theirs = await docker.createContainer({ Image: image, Entrypoint: ["sleep"], Cmd: ["60"] });
    try {
      await session(async () => undefined);
      await expect(theirs.inspect()).resolves.toBeDefined();
    } finally {
      await theirs.remove({ force: true });
    }
  });
});

describe("branches of a session", () => {
  it("run in parallel, as many at a time as there are cores", { timeout: 180_000 }, () =>
    session(async ({ client }) => {
      const outputs = Array.from({ length: 20 }, (_, n) =>
        client
          .container()
          .from(IMAGE)
          .withExec(["sh", "-c", `: ${n}; date +%s%N; sleep 1.5; date +%s%N`])
          .stdout(),
      );
      const spans = (await Promise.all(outputs)).map((text) => text.trim().split("\n").map(Number));
      const atOnce = spans.map(
        ([from = 0]) => spans.filter(([start = 0, end = 0]) => start <= from && from < end).length,
      );
      expect(Math.max(...atOnce)).toBe(Math.max(2, availableParallelism()));
    }),
  );

  it("do not deadlock on a shared service when every slot is taken", () =>
    session(async ({ client }) => {
      const base = client.container().from(IMAGE);
      const service = base.withDefaultArgs(["sleep", "60"]).withDockerHealthcheck(["true"]).asService();
      const users = Array.from({ length: 8 }, (_, n) =>
        base
          .withServiceBinding("s", service)
          .withExec(["sh", "-c", `: user ${n}`])
          .sync(),
      );
      await Promise.all(users);
    }));
});

describe("folders of the host", () => {
  function folder(): string {
    const path = temporaryFolder();
    for (const name of ["src/node_modules/x", "src/.git", "build"])
      mkdirSync(join(path, name), { recursive: true });
    for (const name of ["a.py", "b.txt", "src/c.py", "src/node_modules/x/d.py", "src/.git/e", "build/f"])
      writeFileSync(join(path, name), name);
    writeFileSync(join(path, ".gitignore"), "build/\n*.txt\n");
    writeFileSync(join(path, "src/.gitignore"), "node_modules\n!keep\n");
    return path;
  }

  it("are read with include, exclude and .gitignore patterns applied", () =>
    session(async ({ client }) => {
      const path = folder();
      const list = (options: object): Promise<string[]> => client.host().directory(path, options).glob("**");
      expect(await list({ include: ["**/*.py"], exclude: ["**/node_modules"] })).toEqual([
        "a.py",
        "src/",
        "src/c.py",
      ]);
      expect(await list({ exclude: ["src", "!src/c.py"] })).toEqual([
        ".gitignore",
        "a.py",
        "b.txt",
        "build/",
        "build/f",
        "src/",
        "src/c.py",
      ]);
      mkdirSync(join(path, ".git"));
      expect(await list({ gitignore: true })).toEqual([
        ".git/",
        ".gitignore",
        "a.py",
        "src/",
        "src/.git/",
        "src/.git/e",
        "src/.gitignore",
        "src/c.py",
      ]);
    }));

  it("that do not exist are named in the error", () =>
    session(async ({ client }) => {
      await expect(client.host().directory("/no/such").entries()).rejects.toThrow("/no/such");
      await expect(client.host().file("/etc").contents()).rejects.toThrow("/etc");
    }));

  it("are resolved relative to the session's working directory", async () => {
    const workdir = folder();
    await withSession({ storePath, workdir }, async ({ client }) => {
      expect(await client.host().file("a.py").contents()).toBe("a.py");
      expect(await client.host().directory("src").name()).toBe("src/");
    });
  });
});
