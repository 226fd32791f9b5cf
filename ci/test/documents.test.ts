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
  const code = [
    ...read(path).matchAll(
      /^ *```(?!sh)\w+\n[\s\S]*?^ *```|^ *```(?:sh)?\n([\s\S]*?)^ *```|`((?:\.\/scripts\/)?dagger [^`]+)`/gm,
    ),
  ];
  const commands = code.flatMap(([, block, inline]) => daggerCommands(block ?? inline ?? ""));
  const faults = commands.map((words) => faultOf(engine, words)).filter(Boolean);
  // "call FUNCTION" stands for any.
  const isFault = (fault = ""): boolean => !/function FUNCTION$/.test(fault) && !hasDefault(fault);
  expect(faults.filter((fault) => isFault(fault))).toEqual([]);
});

test.each(documents)("%s: links only to files that there are", (path) => {
  const links = [...read(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to]) => to as string);
  const local = links.filter((to) => !/^[a-z]+:/.test(to));
  expect(local.filter((to) => !existsSync(join(root, dirname(path), to)))).toEqual([]);
});
