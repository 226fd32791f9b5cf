import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "dotenv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { glob } from "zx";
import { functionsOf } from "../../engine/src/cli/model.ts";
import type { Engine } from "../../engine/src/engine.ts";
import { openModule, root } from "../../scripts/lib/module.ts";
import { daggerCommands, faultOf } from "./command-lines.ts";
import { readmeBlocks } from "./readme.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const documents = await glob(["*.md", "{app,docs,engine}/*.md"], { cwd: root });

let engine: Engine;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ engine, close } = await openModule());
}, 60_000);
afterAll(() => close());

describe("the README's command blocks", () => {
  const blocks = readmeBlocks();

  test("are each run by a test, or marked as needing an outside account", () => {
    expect(blocks.length).toBeGreaterThan(5);
    const known = /^(run|run by: \S+|needs an account: .+)$/;
    expect(blocks.filter(({ mark }) => !known.test(mark ?? ""))).toEqual([]);
  });

  test("that somebody else runs name a file that there is", () => {
    const others = blocks.flatMap(({ mark }) => /^run by: (\S+)$/.exec(mark ?? "")?.[1] ?? []);
    expect(others.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

/** What .env.example gives a default to, as "FUNCTION needs --FLAG" says that it is missing. */
const defaults = new Map<string, string>();
for (const [key = ""] of Object.entries(parse(read(".env.example"))))
  defaults.set(key.replaceAll("_", "").toLowerCase(), key);
const hasDefault = (fault: string): boolean => {
  const [, name = "", flag = ""] = /(\S+) needs --(\S+)$/.exec(fault) ?? [];
  return defaults.has(`${name}${flag}`.replaceAll("-", ""));
};

test(".env.example gives defaults only to arguments that there are", () => {
  const functions = functionsOf(engine, { ...engine.module?.types.main, kind: "OBJECT_KIND" } as never);
  const known = functions.flatMap(({ command, args }) =>
    args.map(({ flag }) => `${command}${flag}`.replaceAll("-", "")),
  );
  expect(known.length).toBeGreaterThan(50);
  expect([...defaults].filter(([key]) => !known.includes(key))).toEqual([]);
});

test.each(documents)("%s: calls only functions and flags that exist", (path) => {
  const commands = codeIn(read(path)).flatMap((code) => daggerCommands(code));
  const faults = commands.map((words) => faultOf(engine, words)).filter(Boolean);
  // "call FUNCTION" and "call ..." stand for any.
  const isFault = (fault = ""): boolean => !/function (FUNCTION|\.{3})$/.test(fault) && !hasDefault(fault);
  expect(faults.filter((fault) => isFault(fault))).toEqual([]);
});

/** Blocks of commands, and commands of `dagger` in a text. */
function codeIn(page: string): string[] {
  const all = page.matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```|`((?:\.\/scripts\/)?dagger [^`]+)`/gm);
  return [...all].map(([, language = "", block, inline]) =>
    ["", "sh"].includes(language) ? (block ?? inline ?? "") : "",
  );
}

test.each(documents)("%s: links only to files and headings that exist", (path) => {
  const links = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to as string);
  const local = links.filter((to) => !/^[a-z]+:/.test(to));
  expect(local.filter((to) => !isTarget(path, to))).toEqual([]);
});

/** Whether a link leads to a file and, with a fragment, to one of its headings. */
function isTarget(from: string, link: string): boolean {
  const [file = "", heading] = link.split("#");
  const path = file === "" ? from : join(dirname(from), file);
  if (!existsSync(join(root, path))) return false;
  return heading === undefined || headingsOf(read(path)).includes(heading);
}

/** Fragments by which Git hosts link to a page's headings. */
function headingsOf(page: string): string[] {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, text]) => text as string);
  return headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}
