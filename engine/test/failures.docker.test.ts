/** @module-tag slow */

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as command from "./command.ts";
import { commandLine, expectOneLine, type Failure, runCommand, sample } from "./command.ts";
import { temporaryFolder } from "./folder.ts";
import { removeStepImages } from "./images-made.ts";
import { docker } from "./support.ts";
import { asRoot } from "./user.ts";

const STACKLINE_CACHE = temporaryFolder();
const fail = (words: string[], env: NodeJS.ProcessEnv = {}): Failure =>
  command.fail(words, { STACKLINE_CACHE, ...env });

afterAll(() => removeStepImages(docker, STACKLINE_CACHE));

/** A copy of the sample module with one file changed. */
function changed(path: string, text: string): string {
  const folder = temporaryFolder();
  cpSync(sample, folder, { recursive: true });
  writeFileSync(join(folder, path), text);
  return folder;
}

describe("one clear line and exit code 1 for", () => {
  it.each([
    ["an unknown command", ["cal"], /^Error: unknown command "cal" for "dagger"/],
    ["an unknown function", ["call", "nope"], /^Error: unknown command "nope" for "dagger call"/],
    ["an unknown flag", ["call", "kept", "--nope=1"], /^Error: unknown flag: --nope/],
    ["a flag of another level", ["call", "--mark=x", "kept"], /^Error: unknown flag: --mark/],
    ["a missing argument", ["call", "kept"], /^Error: required flag\(s\) "mark" not set/],
    ["a path that does not exist", ["call", "names", "--dir=/no/such"], /^Error: .*\/no\/such/],
    [
      "a secret given as plain text",
      ["call", "length", "--secret=p@ss word"],
      /^Error: --secret takes a secret from env:/,
    ],
    [
      "a secret from an unset variable",
      ["call", "length", "--secret=env://NO_SUCH_VARIABLE"],
      /^Error: .*secret env var not found: "NO_SUCH_VARIABLE"/,
    ],
    [
      "an unknown progress format",
      ["--progress=loud", "version"],
      /^Error: invalid value "loud" for --progress/,
    ],
    ["an invalid size", ["prune", "--max-size=much"], /^Error: invalid value "much" for --max-size/],
  ])("%s", (_, words, line) => {
    expectOneLine(fail(["-m", sample, ...words]), line);
  });

  it("an invalid dagger.json", () => {
    expectOneLine(
      fail(["-m", changed("dagger.json", "{ nope"), "functions"]),
      /^Error: \S+\/dagger\.json is not valid JSON: /,
    );
  });

  it("a module with a dependency that is not on this machine", () => {
    const json = JSON.stringify({
      name: "sample",
      sdk: "typescript",
      dependencies: [{ name: "other", source: "github.com/x/y" }],
    });
    expect(fail(["-m", changed("dagger.json", json), "functions"])).toMatchObject({
      code: 1,
      said: expect.stringMatching(/the dependency "github.com\/x\/y" is not a folder of this machine/),
    });
  });

  it("a missing dagger.json", () => {
    expect(fail(["-m", temporaryFolder(), "functions"])).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^Error: no dagger\.json in .* or above/),
    });
  });

  it("TypeScript that does not compile, with the line", () => {
    expectOneLine(
      fail(["-m", changed("src/index.ts", "export class {\n  a(: }\n"), "functions"]),
      /^Error: the module does not compile: .*index\.ts:\d+:\d+: /,
    );
  });

  it("a Docker that does not answer", () => {
    expectOneLine(
      fail(["-m", sample, "call", "fresh"], { DOCKER_HOST: "unix:///no/such.sock" }),
      /^Error: Docker does not answer .*: start it/,
    );
  });

  it("a host port that is in use, without leaving a service behind", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    const service = ["with-default-args", "--args=sleep,97531", "as-service"];
    const words = ["call", "base", ...service, "up", `--ports=${port}:80`];
    expectOneLine(
      fail(["-m", sample, ...words]),
      new RegExp(`^Error: port ${port} of this machine is in use: choose another, e\\.g\\. --ports \\d+:80$`),
    );
    taken.close();
    const running = await docker.listContainers({ all: true });
    expect(running.filter(({ Command }) => Command.includes("97531"))).toEqual([]);
  });

  it("a service that is interrupted, with a signal's exit code and without leaving it behind", async () => {
    const service = ["with-default-args", "--args=sleep,97533", "with-exposed-port", "--port=80"];
    const up = ["--experimental-skip-healthcheck", "as-service", "up", "--random"];
    const [program, args] = commandLine([
      "-m",
      sample,
      "call",
      "base",
      ...service,
      ...up,
      "--progress=plain",
    ]);
    const child = spawn(program, args, { env: { ...process.env, STACKLINE_CACHE }, stdio: "pipe" });
    let said = "";
    const ended = new Promise((resolve) => child.once("close", resolve));
    await new Promise<void>((resolve) =>
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.includes("leads to port 80 of the service")) resolve();
      }),
    );
    child.kill("SIGINT");
    expect([await ended, said.trimEnd().split("\n").at(-1)]).toEqual([130, "Error: interrupted by SIGINT"]);
    const running = await docker.listContainers({ all: true });
    expect(running.filter(({ Command }) => Command.includes("97533"))).toEqual([]);
  });

  asRoot("a full disk", () => {
    const small = join(temporaryFolder(), "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", small]);
    try {
      const source = temporaryFolder();
      writeFileSync(join(source, "large"), Buffer.alloc(1_000_000, "x"));
      const failure = fail(["-m", sample, "call", "names", `--dir=${source}`], { STACKLINE_CACHE: small });
      expectOneLine(failure, /^Error: no space left on device .*: free some/);
    } finally {
      execFileSync("umount", ["--lazy", small]);
    }
  });
});

describe("the last line of a failed run", () => {
  it("is the cause: commands that still run report nothing after it", () => {
    const { code, said, stderr } = runCommand(["-m", sample, "call", "race", "--progress=plain"], {
      STACKLINE_CACHE,
    });
    expect(stderr).toContain("| began");
    expect(stderr).toMatch(/\n✘ 3 steps in [\d.]+s, 2 failed, 1 cancelled\n/);
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(
      /^Error: process ".*" did not complete successfully: exit code: 6$/,
    );
    expect([code, said.split("\n").length]).toEqual([1, 1]);
  });
});

it("an expected exit code is no failure of the run", () => {
  const { code, stderr } = runCommand(["-m", sample, "call", "expected", "--progress=plain"], {
    STACKLINE_CACHE,
  });
  expect(code).toBe(0);
  expect(stderr).toMatch(/\n✔ \d steps in [\d.]+s(, \d cached)?\n$/);
  expect(stderr).not.toContain("✘");
});
