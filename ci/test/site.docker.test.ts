/** @module-tag slow */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { generateKeyPair } from "../src/site/ssh-keys.ts";
import { dagger, type Outcome, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = join(folder, "cache");
const environments = join(folder, "environments");

/** Nothing listens at this address: every call ends with the error of SSH, after the function has run. */
const environment = {
  host: "127.0.0.1",
  port: 1,
  user: "deploy",
  hostKey: generateKeyPair().publicKey,
  repository: "you/app",
};

describe("call site", () => {
  const call = (key: string, ...args: string[]): Promise<Outcome> => {
    process.env.STACKLINE_TEST_KEY = key;
    const target = ["--env=prod", "--ssh-key=env://STACKLINE_TEST_KEY", `--environments=${environments}`];
    return dagger(cache, "call", "site", ...target, ...args);
  };
  const [first, second] = [generateKeyPair().privateKey, generateKeyPair().privateKey];

  beforeAll(async () => {
    mkdirSync(environments);
    writeFileSync(join(environments, "prod.json"), JSON.stringify(environment));
    await call(first, "status");
  });

  test("takes the object from the cache for equal arguments, and runs its function", async () => {
    const run = await call(first, "history");
    expect(run.output).toMatch(/Stackline\.site \[cached\]/);
    expect(run.end).toMatch(/FAILED: 127\.0\.0\.1 cannot be reached by SSH/);
    expect((await call(first, "history")).output).not.toMatch(/Site\.history \[cached\]/);
  });

  test("sees a changed key behind the same variable", async () => {
    const run = await call(second, "history");
    expect(run.output).toMatch(/Stackline\.site/);
    expect(run.output).not.toMatch(/Stackline\.site \[cached\]/);
  });

  test("stores no key, and prints none", async () => {
    const lines = [first, second].flatMap((key) => key.split("\n").filter((line) => line.length > 40));
    const files = readdirSync(cache, { recursive: true, encoding: "utf8" }).map((path) => join(cache, path));
    const texts = files.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, "latin1"));
    expect(lines.length).toBeGreaterThan(2);
    expect(texts.length).toBeGreaterThan(2);
    expect(lines.filter((line) => texts.some((text) => text.includes(line)))).toEqual([]);
    const { output } = await call(first, "history");
    expect(lines.filter((line) => output.includes(line))).toEqual([]);
  });

  test("rejects an unknown environment and a missing key with a one-line message", async () => {
    const unknown = await dagger(
      cache,
      "call",
      "site",
      "--env=prd",
      "--ssh-key=env://STACKLINE_TEST_KEY",
      "status",
    );
    expect(unknown.end).toMatch(/there is no environment "prd": environments\/ has prod, staging/);
    const missing = await dagger(cache, "call", "site", "--env=prod", "status");
    expect(missing.end).toMatch(/required flag\(s\) "ssh-key" not set/);
  });

  test("connects with no key that cannot be used", async () => {
    const run = await call("ssh-ed25519 AAAAC3Nz alice@laptop", "status");
    expect(run.end).toMatch(/--ssh-key is a public key: give the private one/);
    expect(run.output).not.toMatch(/cannot be reached|alice/);
  });
});

describe("call deploy", () => {
  test.each([
    [
      "a short commit",
      ["--commit=abc123"],
      /"abc123" is not a commit's hash: give what "git rev-parse HEAD" prints/,
    ],
    ["no version", ["--version=1.4"], /"1\.4" is not a version: write it like v1\.4\.2/],
    ["half an account", ["--username="], /--username and --password belong together/],
    ["a tag", ["--image=you/app:1"], /"you\/app:1" is not a reference by digest/],
  ])("reports a wrong argument before its first step: %s", async (_, args, message) => {
    process.env.STACKLINE_TEST_KEY = generateKeyPair().privateKey;
    process.env.STACKLINE_TEST_PASSWORD = "password";
    const target = ["--env=prod", "--ssh-key=env://STACKLINE_TEST_KEY", `--environments=${environments}`];
    const account = ["--username=you", "--password=env://STACKLINE_TEST_PASSWORD"];
    const run = await dagger(cache, "call", "deploy", ...target, ...account, ...args);
    expect(run.exitCode).not.toBe(0);
    expect(run.end).toMatch(message);
    expect(run.output).not.toMatch(/withExec|dockerBuild/);
  });
});
