import { createReadStream, existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Tree } from "../store/tree.ts";
import { changesBetween, filesOf } from "./changes.ts";
import { git } from "./run.ts";
import { type GitRun, inFolder, only, writeTree } from "./worktree.ts";

export interface DiffStatValue {
  path: string;
  oldPath: string | null;
  kind: "ADDED" | "MODIFIED" | "REMOVED" | "RENAMED";
  addedLines: number;
  removedLines: number;
}

/** Runs `use` with a folder that has the changed files of two trees, in "a" and "b". */
function withChanged<T>(
  run: GitRun,
  before: Tree,
  after: Tree,
  use: (diff: (...options: string[]) => Promise<string>, folder: string) => Promise<T>,
): Promise<T> {
  return inFolder(run, async (folder) => {
    const { added, modified, allRemoved } = changesBetween(before, after);
    for (const [name, tree, paths] of [
      ["a", before, [...modified, ...allRemoved]],
      ["b", after, [...modified, ...added]],
    ] as const) {
      await mkdir(join(folder, name));
      await writeTree(run, only(tree, filesOf(paths)), join(folder, name));
    }
    const options = { folder, signal: run.work.signal, env: { GIT_DIR: "/dev/null" }, allowed: [1] };
    return use((...words) => git(["diff", "--no-index", ...words, "a", "b"], options), folder);
  });
}

/** The differences of two trees as a patch, in the store. */
export function patchBetween(
  run: GitRun,
  before: Tree,
  after: Tree,
): Promise<{ digest: string; size: number }> {
  return withChanged(run, before, after, async (diff, folder) => {
    const path = join(folder, "diff.patch");
    await diff("--binary", "--no-prefix", `--output=${path}`);
    return existsSync(path) ? run.store.writeBlob(createReadStream(path)) : run.store.putBlob("");
  });
}

/** Kind and lines of each changed path, in order. */
export function statsBetween(run: GitRun, before: Tree, after: Tree): Promise<DiffStatValue[]> {
  const { added, modified, allRemoved } = changesBetween(before, after);
  return withChanged(run, before, after, async (diff) => {
    const renamed = readRenames(await diff("--name-status", "-z"));
    const lines = readLines(await diff("--numstat", "-z"));
    const sources = new Set(renamed.values());
    const stat = (path: string, kind: DiffStatValue["kind"]): DiffStatValue => ({
      path,
      oldPath: renamed.get(path) ?? null,
      kind,
      ...(lines.get(path) ?? { addedLines: 0, removedLines: 0 }),
    });
    return [
      ...added.map((path) => stat(path, renamed.has(path) ? "RENAMED" : "ADDED")),
      ...modified.map((path) => stat(path, "MODIFIED")),
      ...allRemoved.filter((path) => !sources.has(path)).map((path) => stat(path, "REMOVED")),
    ].sort((x, y) => (x.path < y.path ? -1 : 1));
  });
}

const inner = (path: string): string => path.replace(/^[ab]\//, "");

/** New names of renamed files with their old ones. */
function readRenames(output: string): Map<string, string> {
  const renamed = new Map<string, string>();
  const words = output.split("\0");
  for (let at = 0; at < words.length - 1; at += 2) {
    const [status = "", path = "", next = ""] = words.slice(at, at + 3);
    if (!/^[RC]/.test(status)) continue;
    if (status.startsWith("R")) renamed.set(inner(next), inner(path));
    at += 1;
  }
  return renamed;
}

/** Lines by path. A file whose name differs is followed by both names. */
function readLines(output: string): Map<string, { addedLines: number; removedLines: number }> {
  const lines = new Map<string, { addedLines: number; removedLines: number }>();
  const words = output.split("\0");
  for (let at = 0; at < words.length - 1; at += 1) {
    const [added = "", removed = "", path = ""] = (words[at] as string).split("\t");
    const names = path === "" ? words.slice(at + 1, at + 3) : [path];
    if (path === "") at += 2;
    const name = names.filter((item) => item !== "/dev/null").pop() ?? "";
    lines.set(inner(name), { addedLines: count(added), removedLines: count(removed) });
  }
  return lines;
}

/** A binary file has "-". */
const count = (text: string): number => (/^\d+$/.test(text) ? Number(text) : 0);
