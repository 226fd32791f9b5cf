import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { userLogin } from "../../src/client/logins.ts";
import { temporaryFolder } from "../folder.ts";

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = temporaryFolder();
  env = { DOCKER_CONFIG: folder, PATH: `${folder}:${process.env.PATH}` };
});

function configure(config: object): void {
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
}

/** A credential helper on PATH that runs a shell script; `$address` is what it was asked for. */
function addHelper(name: string, script: string): void {
  const path = join(folder, `docker-credential-${name}`);
  writeFileSync(path, `#!/bin/sh\n[ "$1" = get ] || exit 9\naddress=$(cat)\n${script}\n`);
  chmodSync(path, 0o755);
}

const stored = (account: string): { auth: string } => ({ auth: Buffer.from(account).toString("base64") });

describe("the user's login", () => {
  it.each([
    ["ghcr.io", "ghcr.io"],
    ["https://ghcr.io/v2/", "ghcr.io"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["docker.io", "docker.io"],
    ["localhost:5000", "localhost:5000"],
  ])("is found under %s", async (key, registry) => {
    configure({ auths: { [key]: stored("user:pass:word") } });
    expect(await userLogin(registry, env)).toEqual({
      login: { username: "user", password: "pass:word", serveraddress: registry },
    });
    expect(await userLogin("other.example", env)).toEqual({});
  });

  it("may be an identity token, or plain fields", async () => {
    configure({ auths: { a: { identitytoken: "t" }, b: { username: "u", password: "p" } } });
    expect((await userLogin("a", env)).login).toEqual({ identitytoken: "t", serveraddress: "a" });
    expect((await userLogin("b", env)).login).toMatchObject({ username: "u", password: "p" });
  });

  it("is taken from DOCKER_AUTH_CONFIG first", async () => {
    configure({ auths: { "r.example": stored("file:1") }, credsStore: "none" });
    env.DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { "r.example": stored("variable:2") } });
    expect((await userLogin("r.example", env)).login).toMatchObject({ username: "variable", password: "2" });
  });

  it("is asked from the registry's helper, else from the store", async () => {
    configure({
      credHelpers: { "r.example": "one", "plain.example": "" },
      credsStore: "two",
      auths: { "plain.example": stored("me:x") },
    });
    for (const name of ["one", "two"])
      addHelper(
        name,
        `printf '{"ServerURL":"%s","Username":"${name}","Secret":"for %s"}' "$address" "$address"`,
      );
    expect((await userLogin("r.example", env)).login).toMatchObject({
      username: "one",
      password: "for r.example",
    });
    expect((await userLogin("docker.io", env)).login).toMatchObject({
      username: "two",
      password: "for https://index.docker.io/v1/",
    });
    expect((await userLogin("plain.example", env)).login).toMatchObject({ username: "me" });
  });

  it("of a helper may be an identity token, or none", async () => {
    configure({ credHelpers: { "t.example": "token", "n.example": "none" } });
    addHelper("token", `echo '{"Username":"<token>","Secret":"abc"}'`);
    addHelper("none", "echo 'credentials not found in native keychain'; exit 1");
    expect(await userLogin("t.example", env)).toEqual({
      login: { identitytoken: "abc", serveraddress: "t.example" },
    });
    expect(await userLogin("n.example", env)).toEqual({});
  });
});

describe("a login that cannot be read is reported:", () => {
  it("a missing helper", async () => {
    configure({ credsStore: "gone" });
    expect((await userLogin("r.example", env)).problem).toMatch(
      /^no login for r\.example: the credential helper docker-credential-gone of Docker's configuration is not on PATH: install it/,
    );
  });

  it("a helper that fails, without what may be a secret", async () => {
    configure({ credHelpers: { "a.example": "says", "b.example": "leaks", "c.example": "garbles" } });
    addHelper("says", "echo 'the keychain is locked'; exit 3");
    addHelper("leaks", `echo '{"Secret":"hidden"}'; exit 3`);
    addHelper("garbles", "echo hidden");
    const problem = async (registry: string) => (await userLogin(registry, env)).problem;
    expect(await problem("a.example")).toBe(
      "no login for a.example: docker-credential-says failed (3): the keychain is locked",
    );
    expect(await problem("b.example")).toBe("no login for b.example: docker-credential-leaks failed (3)");
    expect(await problem("c.example")).toBe(
      "no login for c.example: docker-credential-garbles printed no login",
    );
  });

  it("a configuration that is not valid JSON, without quoting it", async () => {
    writeFileSync(join(folder, "config.json"), '{"auths": {"r": "c2VjcmV0"');
    expect((await userLogin("r", env)).problem).toBe(`${folder}/config.json is ignored: not valid JSON`);
  });
});
