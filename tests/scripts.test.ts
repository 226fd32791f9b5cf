import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { readOptions } from "../scripts/lib/bench/options.ts";

const scripts = fileURLToPath(new URL("../scripts/", import.meta.url));
// dagger's help is the command line's own.
const names = readdirSync(scripts, { withFileTypes: true })
  .filter((item) => item.isFile() && item.name !== "dagger")
  .map(({ name }) => name);

it.each(names)("scripts/%s --help prints what the script is for, and does nothing else", (name) => {
  const folder = mkdtempSync(join(tmpdir(), "stackline-"));
  try {
    const [, purpose = ""] = readFileSync(join(scripts, name), "utf8").split("\n");
    const printed = execFileSync(join(scripts, name), ["--help"], { cwd: folder, encoding: "utf8" });
    expect(printed.split("\n")[0]).toBe(purpose.replace(/^# /, ""));
    expect(printed).not.toContain("set -euo");
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each([
  ["secrets", "--hlep", /there is no option '--hlep'; did you mean --help\?/],
  ["images", "--hlep", /there is no option '--hlep'; did you mean --help\?/],
  ["host/stackline", "statsu", /there is no command 'statsu'; did you mean status\?/],
  ["host/stackline", "xyzzy", /there is no command 'xyzzy'$/m],
  ["host/s3", "lst", /there is no command 'lst'; did you mean list\?/],
  ["host/provision", "--sawp", /there is no option '--sawp'; did you mean --swap\?/],
])("scripts/%s %s fails and suggests the nearest word", (name, word, message) => {
  const folder = mkdtempSync(join(tmpdir(), "stackline-"));
  try {
    const { status, stderr } = spawnSync(join(scripts, name), [word], { cwd: folder, encoding: "utf8" });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("scripts/bench checks its options", () => {
  const read = (options: object, _: string[] = []) => readOptions({ _, ...options }, ["a", "b"]);
  expect(read({})).toEqual({ keys: ["a", "b"], count: 5 });
  expect(read({ count: 2 }, ["b"])).toEqual({ keys: ["b"], count: 2 });
  expect(() => read({}, ["x"])).toThrow("there is no figure x: use a, b");
  expect(() => read({ cuont: 3 })).toThrow("there is no option --cuont; did you mean --count?");
  expect(() => read({ count: 0 })).toThrow("--count takes a whole number from 1");
});

it.each([
  [
    "panic: runtime error: index out of range [0] with length 0\n\ngoroutine 1 [running]:\ngithub.com/docker/libnetwork.New\n",
    /^panic: .* with length 0; its network database is corrupt: move \S+ away.* \(log: .*\)\n$/,
  ],
  [
    "level=info\nfailed to start daemon: error initializing graphdriver\nlevel=info\n",
    /^failed to start daemon: error initializing graphdriver \(log: .*\)\n$/,
  ],
  [
    "level=info msg=libnetwork\npanic: something else\n\ngoroutine 1 [running]:\nmain.main()\n",
    /^panic: something else \(log: .*\)\n$/,
  ],
  ["level=info msg=first\nlevel=info msg=last\n", /^level=info msg=last \(log: .*\)\n$/],
  ["", /^see journalctl -u docker\n$/],
])("a Docker that does not start says why in one line", (log, line) => {
  const folder = mkdtempSync(join(tmpdir(), "stackline-"));
  try {
    const path = join(folder, "dockerd.log");
    writeFileSync(path, log);
    const words = ["-c", `root=. . "${scripts}lib/setup.sh"; docker_failure "$1"`, "bash", path];
    expect(execFileSync("bash", words, { encoding: "utf8" })).toMatch(line);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.each<[settings: Record<string, string>, config: object, chosen: boolean]>([
  [{}, {}, false],
  [{ DOCKER_HOST: "tcp://build" }, {}, true],
  [{ DOCKER_CONTEXT: "other" }, {}, true],
  [{ DOCKER_CONTEXT: "default" }, { currentContext: "other" }, false],
  [{}, { currentContext: "other" }, true],
  [{}, { currentContext: "default" }, false],
])(
  "no Docker is installed or started with %j and Docker's configuration %j: %s",
  (settings, config, chosen) => {
    const folder = mkdtempSync(join(tmpdir(), "stackline-"));
    try {
      writeFileSync(join(folder, "config.json"), JSON.stringify(config, undefined, "\t"));
      const words = [`${scripts}lib/docker-state.mjs`, join(folder, "no.sock")];
      const env = { PATH: process.env.PATH, DOCKER_CONFIG: folder, ...settings };
      const state = spawnSync(process.execPath, words, { env, encoding: "utf8" }).stdout;
      expect(state).toBe(chosen ? "elsewhere\n" : "absent\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
