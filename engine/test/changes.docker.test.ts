import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { summary } from "../src/cli/changes.ts";
import { commandLine, sample, whatFailed } from "./command.ts";
import { temporaryFolder } from "./folder.ts";

const STACKLINE_CACHE = temporaryFolder();
const env = { ...process.env, STACKLINE_CACHE };
let cwd: string;

beforeEach(() => {
  cwd = temporaryFolder();
  writeFileSync(join(cwd, "old"), "one\ntwo\n");
  writeFileSync(join(cwd, "own"), "");
});

const call = (...words: string[]) => {
  const [program, line] = commandLine(["-m", sample, "call", ...words]);
  return spawnSync(program, line, { cwd, env, encoding: "utf8" });
};

/** The same at a terminal at which somebody types. */
const type = (answer: string, ...words: string[]) => {
  const [program, line] = commandLine(["-m", sample, "call", ...words]);
  const args = ["-qec", [program, ...line].join(" "), "/dev/null"];
  return spawnSync("script", args, { cwd, env, encoding: "utf8", input: answer });
};

describe("a function that returns changes", () => {
  it("has them applied to the working directory with --auto-apply, after a summary", () => {
    const { status, stdout, stderr } = call("-y", "changes", "--name=new");
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("new +1\nold -2\n\n2 files changed, +1 -2 lines\n");
    expect(readdirSync(cwd)).toEqual(["new", "own"]);
    expect(readFileSync(join(cwd, "new"), "utf8")).toBe("new\n");
  });

  it("has those of a list applied together", () => {
    expect(call("many-changes", "--auto-apply").status).toBe(0);
    expect(readdirSync(cwd)).toEqual(["one", "own", "two"]);
  });

  it("has them applied to the folder of --output without a question", () => {
    expect(call("changes", "--name=new", "--output=to").status).toBe(0);
    expect([readdirSync(cwd), readdirSync(join(cwd, "to"))]).toEqual([["old", "own", "to"], ["new"]]);
  });

  it("is refused in one line if there is no terminal to ask at", () => {
    const { status, stderr } = call("changes", "--name=new");
    expect(status).toBe(1);
    expect(whatFailed(stderr)).toMatch(/^Error: the changes are not applied: .*--auto-apply.*$/);
    expect(readdirSync(cwd)).toEqual(["old", "own"]);
  });

  it.each([
    ["y\n", ["new", "own"]],
    ["n\n", ["old", "own"]],
    ["\n", ["old", "own"]],
  ])("asks at a terminal: %j", (answer, files) => {
    const { status, stdout } = type(answer, "changes", "--name=new");
    expect(stdout).toContain("Apply changes? [y/N]");
    expect([status, readdirSync(cwd)]).toEqual([0, files]);
  });

  it("says that there is nothing to apply", () => {
    const { status, stderr } = call("no-changes");
    expect(status).toBe(0);
    expect(stderr).toContain("no changes to apply");
  });
});

it("a summary counts a removed folder with what was in it as one file", () => {
  const stat = (path: string, kind: "ADDED" | "REMOVED" | "RENAMED", added: number, removed: number) => ({
    path,
    kind,
    oldPath: kind === "RENAMED" ? "old" : null,
    addedLines: added,
    removedLines: removed,
  });
  const stats = [
    stat("dir/", "REMOVED", 0, 0),
    stat("dir/a/", "REMOVED", 0, 0),
    stat("dir/a/b", "REMOVED", 0, 3),
  ];
  expect(summary(stats)).toBe("dir/ -3\n\n1 file changed, -3 lines");
  expect(summary([stat("new", "RENAMED", 0, 0), stat("x", "ADDED", 2, 0)])).toBe(
    "old => new\nx          +2\n\n2 files changed, +2 lines",
  );
});
