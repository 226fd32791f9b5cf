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

  test("are run by a test, or marked as requiring an external account", () => {
    expect(blocks.length).toBeGreaterThan(5);
    const known = /^(run|run by: \S+|needs an account: .+)$/;
    expect(blocks.filter(({ mark }) => !known.test(mark ?? ""))).toEqual([]);
  });

  test("that are run elsewhere name an existing file", () => {
    const others = blocks.flatMap(({ mark }) => /^run by: (\S+)$/.exec(mark ?? "")?.[1] ?? []);
    expect(others.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

/** Arguments with a default in .env.example, in the form of the error "FUNCTION needs --FLAG". */
const defaults = new Map<string, string>();
for (const [key = ""] of Object.entries(parse(read(".env.example"))))
  defaults.set(key.replaceAll("_", "").toLowerCase(), key);
const hasDefault = (fault: string): boolean => {
  const [, name = "", flag = ""] = /(\S+) needs --(\S+)$/.exec(fault) ?? [];
  return defaults.has(`${name}${flag}`.replaceAll("-", ""));
};

describe(".env.example", () => {
  const variables = Object.keys(parse(read(".env.example")));

  test("has no default for an argument that does not exist", () => {
    const main = functionsOf(engine, { ...engine.module?.types.main, kind: "OBJECT_KIND" } as never);
    const known = main.flatMap(({ command, args }) =>
      args.map(({ flag }) => [command, flag].map((part) => part.replaceAll("-", "").toUpperCase()).join("_")),
    );
    expect(known.length).toBeGreaterThan(50);
    // The official command line ignores a variable with any other underscore.
    expect(variables.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("needs at most eight variables", () => {
    expect(variables.length).toBeGreaterThan(0);
    expect(variables.length).toBeLessThanOrEqual(8);
  });
});

test.each(documents)("%s: calls only existing functions and flags", (path) => {
  const code = [
    ...read(path).matchAll(
      /^ *```(?!sh)\w+\n[\s\S]*?^ *```|^ *```(?:sh)?\n([\s\S]*?)^ *```|`((?:\.\/scripts\/)?dagger [^`]+)`/gm,
    ),
  ];
  const commands = code.flatMap(([, block, inline]) => daggerCommands(block ?? inline ?? ""));
  const faults = commands.map((words) => faultOf(engine, words)).filter(Boolean);
  // "call FUNCTION" is a placeholder.
  const isFault = (fault = ""): boolean => !/function FUNCTION$/.test(fault) && !hasDefault(fault);
  expect(faults.filter((fault) => isFault(fault))).toEqual([]);
});

test.each(documents)("%s: links only to existing files", (path) => {
  const links = [...read(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to]) => to as string);
  const local = links.filter((to) => !/^[a-z]+:/.test(to));
  expect(local.filter((to) => !existsSync(join(root, dirname(path), to)))).toEqual([]);
});
