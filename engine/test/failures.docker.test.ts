import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./folder.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const sample = here("./fixtures/sample");
const STACKLINE_CACHE = temporaryFolder();

/** Runs one command line; what it says of its failure are the lines from "Error: " on. */
function fail(words: string[], env: NodeJS.ProcessEnv = {}): { code: number | null; said: string } {
  const { status, stderr } = spawnSync(process.execPath, [here("../start.mjs"), "engine", ...words], {
    env: { ...process.env, STACKLINE_CACHE, ...env },
    encoding: "utf8",
  });
  return { code: status, said: stderr.slice(stderr.indexOf("Error: ")).trim() };
}

/** A module in a folder of its own, with one file changed. */
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
    ["a path that is not there", ["call", "names", "--dir=/no/such"], /^Error: .*\/no\/such/],
    [
      "a secret's plain text",
      ["call", "length", "--secret=p@ss word"],
      /^Error: --secret takes a secret from env:/,
    ],
    [
      "a secret's variable that is not set",
      ["call", "length", "--secret=env://NO_SUCH_VARIABLE"],
      /^Error: .*secret env var not found: "NO_SUCH_VARIABLE"/,
    ],
    [
      "an unknown way to show progress",
      ["--progress=loud", "version"],
      /^Error: invalid value "loud" for --progress/,
    ],
    ["a size that is none", ["prune", "--max-size=much"], /^Error: invalid value "much" for --max-size/],
  ])("%s", (_, words, line) => {
    const { code, said } = fail(["-m", sample, ...words]);
    expect(said).toMatch(line);
    expect([code, said.split("\n").length]).toEqual([1, 1]);
  });

  it("a dagger.json that cannot be read", () => {
    const { code, said } = fail(["-m", changed("dagger.json", "{ nope"), "functions"]);
    expect(said).toMatch(/^Error: \S+\/dagger\.json is not valid JSON: /);
    expect([code, said.split("\n").length]).toEqual([1, 1]);
  });

  it("a module that depends on others", () => {
    const json = JSON.stringify({ name: "sample", sdk: "typescript", dependencies: [{ name: "other" }] });
    expect(fail(["-m", changed("dagger.json", json), "functions"])).toMatchObject({
      code: 1,
      said: expect.stringMatching(/"dependencies" are not part of the embedded engine/),
    });
  });

  it("no dagger.json at all", () => {
    expect(fail(["-m", temporaryFolder(), "functions"])).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^Error: no dagger\.json in .* or above/),
    });
  });

  it("TypeScript that does not compile, with the line", () => {
    const { code, said } = fail(["-m", changed("src/index.ts", "export class {\n  a(: }\n"), "functions"]);
    expect(said).toMatch(/^Error: the module does not compile: .*index\.ts:\d+:\d+: /);
    expect([code, said.split("\n").length]).toEqual([1, 1]);
  });

  it("a Docker that does not answer", () => {
    const { code, said } = fail(["-m", sample, "call", "fresh"], { DOCKER_HOST: "unix:///no/such.sock" });
    expect(said).toMatch(/^Error: Docker does not answer .*: start it/);
    expect([code, said.split("\n").length]).toEqual([1, 1]);
  });

  it.runIf(process.getuid?.() === 0)("a full disk", () => {
    const small = join(temporaryFolder(), "small");
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", small]);
    try {
      const source = temporaryFolder();
      writeFileSync(join(source, "large"), Buffer.alloc(1_000_000, "x"));
      const { code, said } = fail(["-m", sample, "call", "names", `--dir=${source}`], {
        STACKLINE_CACHE: small,
      });
      expect(said).toMatch(/^Error: no space left on device .*: free some/);
      expect([code, said.split("\n").length]).toEqual([1, 1]);
    } finally {
      execFileSync("umount", ["--lazy", small]);
    }
  });
});
