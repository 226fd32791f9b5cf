import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Call, decodeId, encodeId } from "../src/core/call.ts";
import type { Engine } from "../src/engine.ts";
import { post, temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const sample = fileURLToPath(new URL("./fixtures/sample", import.meta.url));

interface Answer {
  data?: { sample: Record<string, unknown> };
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

/** Loads the module in a new session. */
const session = <T>(use: (engine: Engine, cached: () => string[]) => Promise<T>): Promise<T> =>
  withSession({ storePath }, async ({ engine, view }) => {
    await engine.loadModule(sample);
    return use(engine, () => view.named("cached"));
  });

async function ask(engine: Engine, fields: string): Promise<Answer> {
  return (await (await post(engine, `{ sample { ${fields} } }`)).json()) as Answer;
}

async function value(engine: Engine, fields: string): Promise<unknown> {
  const { data, errors } = await ask(engine, fields);
  expect(errors).toBeUndefined();
  return Object.values(data?.sample ?? {})[0];
}

describe("a module's function", () => {
  it("is a cache hit for the same arguments, also in a later session", async () => {
    const first = await session((engine) => value(engine, 'kept(mark: "a")'));
    await session(async (engine, cached) => {
      expect(await value(engine, 'kept(mark: "a")')).toBe(first);
      expect(cached()).toContain("Sample.kept");
      expect(await value(engine, 'kept(mark: "b")')).not.toBe(first);
    });
  });

  it("runs at each call with the cache policy `never`", () =>
    session(async (engine) => {
      expect(await value(engine, "fresh")).not.toBe(await value(engine, "fresh"));
      const call = new Call("Container", undefined, "f", { _once: "mark" });
      expect(decodeId(encodeId(call)).digest).toBe(call.digest);
    }));

  it("runs once per session with the cache policy `session`", async () => {
    const first = await session(async (engine) => {
      const result = await value(engine, "once");
      expect(await value(engine, "once")).toBe(result);
      return result;
    });
    expect(await session((engine) => value(engine, "once"))).not.toBe(first);
  });

  it("passes on a failed command's exit code and output", () =>
    session(async (engine) => {
      const { errors } = await ask(engine, "failing");
      expect(errors?.[0]?.extensions).toMatchObject({
        _type: "EXEC_ERROR",
        exitCode: 6,
        stdout: "out",
        stderr: "err",
      });
    }));

  it("reports the message of an error that it throws", () =>
    session(async (engine) => {
      expect((await ask(engine, "broken")).errors?.[0]?.message).toBe("a bug of the module");
    }));

  it("returns and accepts objects of the API", () =>
    session(async (engine) => {
      const { data } = await ask(engine, 'base { withExec(args: ["echo", "on"]) { stdout } }');
      expect(data?.sample.base).toEqual({ withExec: { stdout: "on\n" } });
      const id = (await (
        await post(engine, '{ directory { withNewFile(path: "f", contents: "") { id } } }')
      ).json()) as {
        data: { directory: { withNewFile: { id: string } } };
      };
      expect(await value(engine, `names(dir: "${id.data.directory.withNewFile.id}")`)).toEqual(["f"]);
    }));

  it("reads any file of its source, and the next call is a cache hit", async () => {
    const read = 'own(path: "dagger.json")';
    expect(await session((engine) => value(engine, read))).toContain('"name": "sample"');
    await session(async (engine, cached) => {
      await value(engine, read);
      expect(cached()).toContain("Sample.own");
    });
  });

  it("returns its source, and what is cached of that serves another session", async () => {
    const read = "source { entries }";
    const entries = { entries: expect.arrayContaining(["dagger.json", "src/"]) };
    expect(await session((engine) => value(engine, read))).toEqual(entries);
    await session(async (engine, cached) => {
      expect(await value(engine, read)).toEqual(entries);
      expect(cached()).toContain("Sample.source");
    });
  });

  it("gets secrets by reference, and the ID does not contain the value", () =>
    session(async (engine) => {
      const secret = (await (
        await post(engine, '{ setSecret(name: "s", plaintext: "12345") { id } }')
      ).json()) as {
        data: { setSecret: { id: string } };
      };
      expect(await value(engine, `length(secret: "${secret.data.setSecret.id}")`)).toBe(5);
      expect(secret.data.setSecret.id).not.toContain(Buffer.from("12345").toString("base64url"));
    }));
});

it("a module's process ends with its engine, even if the engine is killed", async () => {
  const start = fileURLToPath(new URL("../start.mjs", import.meta.url));
  const env = { ...process.env, STACKLINE_CACHE: storePath };
  const engine = spawn(process.execPath, [start, "engine", "-m", sample, "call", "hang"], {
    env,
    stdio: "ignore",
  });
  const children = (): string[] =>
    readFileSync(`/proc/${engine.pid}/task/${engine.pid}/children`, "utf8").split(" ").filter(Boolean);
  // The tests above have registered the module: the only process left runs the function.
  await expect.poll(() => children().length, { timeout: 60_000 }).toBe(1);
  const [child] = children();
  engine.kill("SIGKILL");
  await expect.poll(() => existsSync(`/proc/${child}`), { timeout: 20_000 }).toBe(false);
});
