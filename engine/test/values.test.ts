import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client, EnvFile, JSON as JsonText } from "@dagger.io/dagger";
import { afterEach, describe, expect, it, vi } from "vitest";
import { post, temporaryFolder, withSession } from "./support.ts";

const workdir = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> =>
  withSession({ storePath: temporaryFolder(), workdir, withDocker: false }, use);

afterEach(() => vi.unstubAllEnvs());

describe("a JSON value", () => {
  const parse = (client: Client, text: string) => client.json().withContents(text as JsonText);

  it("is read by kind, and refuses another kind", () =>
    session(async ({ client }) => {
      const value = parse(client, '{"n": 3, "f": 1.5, "s": "x", "b": true, "l": [1, {"k": null}]}');
      expect(await value.fields()).toEqual(["b", "f", "l", "n", "s"]);
      expect(await value.field(["n"]).asInteger()).toBe(3);
      expect(await value.field(["s"]).asString()).toBe("x");
      expect(await value.field(["b"]).asBoolean()).toBe(true);
      const items = await value.field(["l"]).asArray();
      expect(await Promise.all(items.map((item) => item.contents()))).toEqual(["1", '{"k":null}']);
      await expect(value.field(["f"]).asInteger()).rejects.toThrow("not an integer");
      await expect(value.field(["s", "x"]).asString()).rejects.toThrow("in non-object value");
      await expect(value.field(["gone"]).asString()).rejects.toThrow("no such field: 'gone'");
    }));

  it("is built field by field, and written as Go writes it", () =>
    session(async ({ client }) => {
      const value = client
        .json()
        .withField(["b", "deep"], client.json().newString("<&>"))
        .withField(["a"], client.json().newInteger(1))
        .withField(["__proto__"], client.json().newBoolean(false));
      const text = '{"__proto__":false,"a":1,"b":{"deep":"\\u003c\\u0026\\u003e"}}';
      expect(await value.contents()).toBe(text);
      expect(await value.field(["b"]).contents({ pretty: true, indent: "\t" })).toBe(
        '{\n\t"deep": "\\u003c\\u0026\\u003e"\n}',
      );
      expect(await client.json().contents()).toBe("null");
    }));

  it("comes from a file, which must contain JSON", () =>
    session(async ({ client }) => {
      expect(await client.file("a.json", '{ "k": [1] }').asJSON().contents()).toBe('{ "k": [1] }');
      await expect(client.file("b", "{").asJSON().contents()).rejects.toThrow("invalid JSON");
    }));
});

describe("an env file", () => {
  const valuesOf = async (file: EnvFile, raw = false): Promise<string[]> =>
    Promise.all(
      (await file.variables({ raw })).map(async (item) => `${await item.name()}=${await item.value()}`),
    );

  it("expands variables as a shell does, and knows the raw text", () =>
    session(async ({ client }) => {
      const text = "# a comment\nexport NAME=dog\nBOTH=\"hello $NAME\"\nPLAIN=a b #c\nSINGLE='$NAME'\n";
      const file = client.file(".env", text).asEnvFile();
      expect(await valuesOf(file)).toEqual(["BOTH=hello dog", "NAME=dog", "PLAIN=a b #c", "SINGLE=$NAME"]);
      expect(await file.get("BOTH", { raw: true })).toBe('"hello $NAME"');
      expect([await file.exists("NAME"), await file.exists("GONE"), await file.get("GONE")]).toEqual([
        true,
        false,
        "",
      ]);
      await expect(file.withoutVariable("NAME").get("BOTH")).rejects.toThrow("NAME: unbound variable");
    }));

  it("is written back in its order, a changed variable at its old place", () =>
    session(async ({ client }) => {
      const file = client
        .envFile()
        .withVariable("B", "1")
        .withVariable("A", "$B")
        .withVariable("B", "2")
        .asFile();
      expect([await file.name(), await file.contents()]).toEqual([".env", "B=2\nA=$B\n"]);
    }));

  it("has namespaces, whose variables still refer to the others", () =>
    session(async ({ client }) => {
      const file = client.file("e", "ROOT=/srv\nMY_APP_DIR=$ROOT/app\nmyApp_url=u\nOTHER=x\n").asEnvFile();
      for (const prefix of ["my-app", "myApp", "MY_APP_"])
        expect(await valuesOf(file.namespace_(prefix))).toEqual(["DIR=/srv/app", "url=u"]);
    }));

  it("gives a container its variables, expanded from the caller's environment, but not from a function's", () =>
    session(async ({ client, engine }) => {
      vi.stubEnv("STACKLINE_TEST", "from outside");
      const file = client.file("e", "A=1\nB=$STACKLINE_TEST\n").asEnvFile();
      const container = client.container().withEnvVariable("A", "0").withEnvFileVariables(file);
      expect([await container.envVariable("A"), await container.envVariable("B")]).toEqual([
        "1",
        "from outside",
      ]);
      const query = '{ envFile { withVariable(name: "B", value: "$STACKLINE_TEST") { get(name: "B") } } }';
      const asked = await post(engine, query, engine.server.issueToken("a-function"));
      expect(await asked.text()).toContain("STACKLINE_TEST: unbound variable");
    }));
});

describe("an address", () => {
  it("means a local path, a secret, a service or a socket, as its field says", () =>
    session(async ({ client, engine }) => {
      vi.stubEnv("STACKLINE_TEST", "the plaintext");
      writeFileSync(join(workdir, "f"), "content");
      expect(await client.address("./f").file().contents()).toBe("content");
      expect(
        await client
          .address(`file://${workdir}`)
          .directory({ include: ["f"] })
          .entries(),
      ).toEqual(["f"]);
      expect(await client.address("STACKLINE_TEST").secret().plaintext()).toBe("the plaintext");
      expect(await client.address("env:STACKLINE_TEST?cacheKey=k").secret().uri()).toBe(
        "env://STACKLINE_TEST",
      );
      const [port] = await client.address("tcp://localhost:4242").service().ports();
      expect(await port?.port()).toBe(4242);
      await client.address("unix:///var/run/x.sock").socket().id();
      expect(await client.address("anything").value()).toBe("anything");
      for (const text of ["localhost:80", "tcp://", "http://localhost", "foo://bar:1"])
        await expect(client.address(text).service().id()).rejects.toThrow("unsupported service address");
      await expect(client.address("").service().id()).rejects.toThrow("empty address");
      const query = `{ address(value: "${workdir}") { directory { entries } } }`;
      const asked = await post(engine, query, engine.server.issueToken("a-function"));
      expect(await asked.text()).toContain("is refused in a module's function");
    }));
});
