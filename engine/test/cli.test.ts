// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a .env file.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkEnvFiles, findEnvDefault, findEnvFiles } from "../src/cli/dotenv.ts";
import { type Flag, parseLevel } from "../src/cli/flags.ts";
import type { CliArgument, CliFunction } from "../src/cli/model.ts";
import { suggestion } from "../src/cli/suggest.ts";
import { splitList } from "../src/cli/values.ts";
import { temporaryFolder } from "./folder.ts";

const flags: Flag[] = [
  { name: "env", boolean: false },
  { name: "dry-run", boolean: true },
  { name: "output", short: "o", boolean: false },
];

describe("one level of the command line", () => {
  const parse = (...words: string[]): unknown => {
    const { values, rest } = parseLevel(words, flags);
    return [Object.fromEntries(values), rest];
  };

  it("ends at the first word that is not a flag", () => {
    expect(parse("--env", "prod", "deploy", "--env", "x")).toEqual([
      { env: ["prod"] },
      ["deploy", "--env", "x"],
    ]);
    expect(parse("--", "--env")).toEqual([{}, ["--env"]]);
    expect(parse()).toEqual([{}, []]);
  });

  it("takes values after a space or an equals sign, also of repeated flags", () => {
    expect(parse("--env=a", "--env", "b", "-o", "file")).toEqual([{ env: ["a", "b"], output: ["file"] }, []]);
    expect(parse("--env=a=b", "--env=")).toEqual([{ env: ["a=b", ""] }, []]);
  });

  it("takes a boolean flag without a value, or with one after an equals sign", () => {
    expect(parse("--dry-run", "next")).toEqual([{ "dry-run": ["true"] }, ["next"]]);
    expect(parse("--dry-run=false")).toEqual([{ "dry-run": ["false"] }, []]);
  });

  it("rejects unknown flags with the official CLI's messages", () => {
    expect(() => parse("--nope")).toThrow("unknown flag: --nope");
    expect(() => parse("-x")).toThrow("unknown shorthand flag: 'x' in -x");
    expect(() => parse("--evn=prod")).toThrow("unknown flag: --evn; did you mean --env?");
    expect(() => parse("--dryRun")).toThrow("unknown flag: --dryRun; did you mean --dry-run?");
    expect(() => parse("--env")).toThrow("flag needs an argument: --env");
  });
});

describe("a word that is not known", () => {
  const names = ["test", "deploy", "app-logs", "lint"];

  it.each([
    ["tets", '; did you mean "test"?'],
    ["Deploy", '; did you mean "deploy"?'],
    ["applogs", '; did you mean "app-logs"?'],
    ["tst", '; did you mean "test"?'],
    ["xyz", ""],
    ["t", ""],
    ["", ""],
  ])("%j is answered with %j", (word, expected) => {
    expect(suggestion(word, names)).toBe(expected);
  });
});

describe("a list", () => {
  it.each([
    ["a,b", ["a", "b"]],
    ["a", ["a"]],
    ["", []],
    ['"a,b",c', ["a,b", "c"]],
    ['"say ""hi""",x', ['say "hi"', "x"]],
    ["a,,b", ["a", "", "b"]],
  ])("%s has the items %j", (text, items) => {
    expect(splitList(text)).toEqual(items);
  });
});

describe(".env", () => {
  const fn = { name: "deploy", command: "deploy" } as CliFunction;
  const arg = (name: string): CliArgument => ({ name }) as CliArgument;

  function setUp(outer: string, own: string): { root: string; outer: string } {
    const folder = temporaryFolder();
    const root = join(folder, "module");
    mkdirSync(join(root, "sub"), { recursive: true });
    if (outer) writeFileSync(join(folder, ".env"), outer);
    if (own) writeFileSync(join(root, ".env"), own);
    return { root, outer: folder };
  }

  const lookUp = (
    text: string,
    argument: string,
    owner: CliFunction | undefined = fn,
  ): string | undefined => {
    const { root } = setUp("", text);
    return findEnvDefault(findEnvFiles(root, root, { HOST: "h" }), "stack-line", owner, arg(argument))?.text;
  };

  it("sets an argument's default as FUNCTION_ARGUMENT, with or without the module's name as prefix", () => {
    expect(lookUp("DEPLOY_DRYRUN=1", "dryRun")).toBe("1");
    expect(lookUp("deploy_dryrun=1", "dryRun")).toBe("1");
    expect(lookUp("STACKLINE_DEPLOY_DRYRUN=1", "dryRun")).toBe("1");
    expect(lookUp("STACK_LINE_DEPLOY_DRYRUN=1", "dryRun")).toBe("1");
  });

  it("ignores argument names with underscores, and variables of other functions", () => {
    expect(lookUp("DEPLOY_DRY_RUN=1", "dryRun")).toBeUndefined();
    expect(lookUp("TEST_DRYRUN=1", "dryRun")).toBeUndefined();
  });

  it("expands environment variables of the host", () => {
    expect(lookUp("DEPLOY_HOST=${HOST}.example", "host")).toBe("h.example");
    expect(lookUp("DEPLOY_BY=${NOBODY:-ann}@${HOST:-local}", "by")).toBe("ann@h");
    expect(lookUp("DEPLOY_BY=${NOBODY:-}", "by")).toBe("");
  });

  it.each([
    ["plain # text", "plain # text"],
    ["a  b", "a  b"],
    ["'${HOST} # x'", "${HOST} # x"],
    ['"${HOST} # x" # comment', "h # x"],
    ["$HOST.example # comment", "h.example"],
    ["a\\ b", "a b"],
    ['"a\\"b\\n"', 'a"b\\n'],
    ["${NOBODY-x}${HOST:+y}${NOBODY:+z}", "xy"],
    ["${NOBODY:-${HOST}-${NOBODY:-z}}", "h-z"],
    ["$DEPLOY_OTHER/x", "h/o/x"],
    ["5$", "5$"],
    ["", ""],
  ])("reads %s as the official engine does", (text, value) => {
    expect(lookUp(`DEPLOY_HOST=${text}\nexport DEPLOY_OTHER=$HOST/o\n`, "host")).toBe(value);
  });

  it.each([
    [
      "${NOBODY}",
      /\.env: DEPLOY_HOST: NOBODY: unbound variable; set it, or write \$\{NOBODY:-\} if it may be unset/,
    ],
    ["$NOBODY", /NOBODY: unbound variable/],
    ["${EMPTY}", /EMPTY: unbound variable/],
    ["${NOBODY:?who is it}", /NOBODY: who is it/],
    ["$DEPLOY_HOST", /DEPLOY_HOST: unbound variable/],
    ["$(date)", /it cannot run commands/],
    ["'open", /a ' is missing/],
    ["${HOST", /a } is missing/],
    ["${HOST%x}", /it knows only :-DEFAULT/],
  ])("refuses %s", (text, message) => {
    expect(() => lookUp(`EMPTY=\nDEPLOY_HOST=${text}\n`, "host")).toThrow(message);
  });

  it("refuses a line that is no assignment", () => {
    expect(() => lookUp("# comment\nDEPLOY HOST=x\n", "host")).toThrow(/\.env: line 2 is not NAME=VALUE/);
  });

  it("with a variable that is not set fails every call, but not one for another module", () => {
    const { root, outer } = setUp("OTHER_DEPLOY_A=$NOBODY\nDEPLOY_A=$NOBODY\n", "TEST_A=$NOBODY\n");
    const check = (from: string, name: string): void =>
      checkEnvFiles(findEnvFiles(from, root, {}), "stackline", [{ ...fn, name }]);
    expect(() => check(root, "test")).toThrow(/TEST_A: NOBODY: unbound variable/);
    expect(() => check(outer, "deploy")).not.toThrow();
    expect(() => check(root, "deploy")).not.toThrow();
  });

  it("as .env.example has it needs no variable to be set", () => {
    const text = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");
    const { root } = setUp("", text);
    const [file] = findEnvFiles(root, root, {});
    expect(file?.names).toContain("DEPLOY_USERNAME");
    for (const name of file?.names ?? []) expect(() => file?.read(name)).not.toThrow();
  });

  it("above the module's folder needs the module's name as prefix", () => {
    const { root, outer } = setUp("DEPLOY_A=bare\nSTACKLINE_DEPLOY_B=full\n", "");
    const find = (name: string): string | undefined =>
      findEnvDefault(findEnvFiles(outer, root), "stackline", fn, arg(name))?.text;
    expect([find("a"), find("b")]).toEqual([undefined, "full"]);
  });

  it("nearest to the working directory takes precedence over the module's own", () => {
    const { root, outer } = setUp("STACKLINE_DEPLOY_A=outer\n", "DEPLOY_A=own\nDEPLOY_B=own\n");
    const find = (from: string, name: string): string | undefined =>
      findEnvDefault(findEnvFiles(from, root), "stackline", fn, arg(name))?.text;
    expect([find(outer, "a"), find(outer, "b"), find(join(root, "sub"), "a")]).toEqual([
      "outer",
      "own",
      "own",
    ]);
  });
});
