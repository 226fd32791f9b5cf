import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { $ } from "zx";
import { root } from "../scripts/lib/module.ts";
import { namedPaths } from "./architecture.ts";

const named = namedPaths(readFileSync(join(root, "docs", "architecture.md"), "utf8"));

/** Files of the repository, also those that are not committed yet. */
const files = (await $({ quiet: true, cwd: root })`git ls-files --cached --others --exclude-standard`).stdout
  .trim()
  .split("\n")
  .filter((path) => existsSync(join(root, path)));

/** Folders directly inside a folder; "" is the root. */
function foldersIn(parent: string): string[] {
  const inside = files.filter((path) => path.startsWith(parent)).map((path) => path.slice(parent.length));
  return [
    ...new Set(inside.filter((path) => path.includes("/")).map((path) => path.split("/")[0] as string)),
  ];
}

describe("docs/architecture.md", () => {
  test("names only paths that exist", () => {
    expect(named.size).toBeGreaterThan(50);
    expect([...named].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("names every file of the module", () => {
    const sources = files.filter((path) => /^ci\/src\/.*\.ts$/.test(path));
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.filter((path) => !named.has(path))).toEqual([]);
  });

  test.each([
    ["the repository", ""],
    ["the module", "ci/src/"],
    ["the engine", "engine/src/"],
  ])("names every folder of %s", (_, parent) => {
    const folders = foldersIn(parent);
    expect(folders.length).toBeGreaterThan(2);
    expect(folders.filter((folder) => !named.has(`${parent}${folder}`))).toEqual([]);
  });
});

test("a first column is relative to the heading, prose to the repository", () => {
  const page = "## Code, `a/b`\n\n| `c.ts`, `d/` | see `e/f` |\n\nText on `g/h.ts`, `/url` and `a word`.\n";
  expect([...namedPaths(page)]).toEqual(["a/b", "a/b/c.ts", "a/b/d", "g/h.ts"]);
});
