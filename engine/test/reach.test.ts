import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Call, encodeId } from "../src/core/call.ts";
import { Engine } from "../src/engine.ts";
import { silentView } from "../src/session/progress.ts";
import { sample } from "./command.ts";
import { temporaryFolder } from "./folder.ts";
import { post } from "./support.ts";

const workdir = temporaryFolder();
const engine = new Engine({ view: silentView, workdir, storePath: temporaryFolder() });

beforeAll(async () => {
  writeFileSync(join(workdir, "file"), "of the machine");
  vi.stubEnv("TEST_REACH", "a secret of the machine");
  await engine.start(false);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await engine.close();
});

interface Answer {
  data: Record<string, unknown>;
  errors?: { message: string }[];
}

const ask = async (query: string, token?: string): Promise<Answer> =>
  (await (await post(engine, query, token)).json()) as Answer;

/** A request of a module's function. */
const asFunction = (query: string): Promise<Answer> => ask(query, engine.server.issueToken("1"));

const nothing = 'directory { withNewFile(path: "f", contents: "") ';
const path = JSON.stringify(join(workdir, "exported"));

describe("a module's function is refused", () => {
  it.each([
    ["a secret from a variable", '{ secret(uri: "env://TEST_REACH") { plaintext } }'],
    ["a secret from a file", '{ secret(uri: "file:///etc/hostname") { plaintext } }'],
    ["a secret from a command", '{ secret(uri: "cmd://id") { plaintext } }'],
    ["a folder", '{ host { directory(path: ".") { entries } } }'],
    ["a file", '{ host { file(path: "file") { contents } } }'],
    ["a search for a file", '{ host { findUp(name: "file") } }'],
    ["a port", "{ host { service(ports: [{ backend: 22 }]) { id } } }"],
    ["a socket", '{ host { unixSocket(path: "/var/run/docker.sock") { id } } }'],
    ["a local image", '{ host { containerImage(name: "image") { id } } }'],
    ["an exported folder", `{ ${nothing} { export(path: ${path}) } } }`],
    ["an exported file", `{ ${nothing} { file(path: "f") { export(path: ${path}) } } } }`],
    ["an exported image", `{ container { export(path: ${path}) } }`],
    ["an image in Docker", '{ container { exportImage(name: "made") } }'],
    ["a published port", "{ container { asService { up } } }"],
  ])("%s of the machine", async (_, query) => {
    const { errors } = await asFunction(query);
    expect(errors?.[0]?.message).toMatch(/^\w+\.\w+ is refused in a module's function/);
  });

  it("an ID that it made up", async () => {
    const secret = new Call("Secret", undefined, "secret", { uri: "env://TEST_REACH", cacheKey: null });
    const socket = new Call("Socket", new Call("Host", undefined, "host"), "unixSocket", { path: "/a" });
    for (const query of [
      `{ loadSecretFromID(id: "${encodeId(secret)}") { plaintext } }`,
      `{ node(id: "${encodeId(secret)}") { id } }`,
      `{ container { withSecretVariable(name: "S", secret: "${encodeId(secret)}") { id } } }`,
      `{ container { withUnixSocket(path: "/s", source: "${encodeId(socket)}") { id } } }`,
    ])
      expect((await asFunction(query)).errors?.[0]?.message).toMatch(/refused in a module's function/);
    expect(() => engine.session.reach.admit(secret)).toThrow("refused in a module's function");
  });
});

describe("a module's function can use", () => {
  it("a secret that the user's client has made", async () => {
    const { data } = await ask('{ secret(uri: "env://TEST_REACH") { id } }');
    const { id } = data.secret as { id: string };
    expect(await asFunction(`{ loadSecretFromID(id: "${id}") { plaintext } }`)).toEqual({
      data: { loadSecretFromID: { plaintext: "a secret of the machine" } },
    });
  });

  it("a folder that the user's client has read", async () => {
    const { data } = await ask('{ host { directory(path: ".") { id } } }');
    const { id } = (data.host as { directory: { id: string } }).directory;
    expect(await asFunction(`{ loadDirectoryFromID(id: "${id}") { entries } }`)).toEqual({
      data: { loadDirectoryFromID: { entries: ["file"] } },
    });
  });

  it("a secret that it sets itself", async () => {
    expect(await asFunction('{ setSecret(name: "s", plaintext: "own") { plaintext } }')).toEqual({
      data: { setSecret: { plaintext: "own" } },
    });
  });
});

describe("a module's process", () => {
  beforeAll(async () => {
    await engine.loadModule(sample);
  }, 120_000);

  it("has no variable of the user but what Node needs and the proxies", async () => {
    const { data } = await ask("{ sample { variables } }");
    const { variables } = data.sample as { variables: string[] };
    const allowed =
      /^(PATH|HOME|TMPDIR|LANG|NODE_EXTRA_CA_CERTS|\w+_proxy|\w+_PROXY|DAGGER_SESSION_\w+|TSX_TSCONFIG_PATH)$/;
    expect(variables).toContain("DAGGER_SESSION_TOKEN");
    expect(variables.filter((name) => !allowed.test(name))).toEqual([]);
  }, 120_000);

  it("gets no file of the machine from the engine", async () => {
    const { errors } = await ask(`{ sample { machineFile(path: "/etc/hostname") } }`);
    expect(errors?.[0]?.message).toMatch(/^Host\.file is refused in a module's function/);
  }, 120_000);
});
