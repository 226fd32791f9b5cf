import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { root } from "../stack/tools.ts";
import { known, redactions } from "./redaction.ts";

const scripts = join(root, "scripts/host/lib");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const python = (code: string, ...args: string[]): string =>
  execFileSync(
    "python3",
    ["-ISc", `import sys; sys.path.insert(0, sys.argv[1])\n${code}`, scripts, ...args],
    {
      encoding: "utf8",
    },
  );

const folder = mkdtempSync(join(tmpdir(), "stackline-redaction-"));
beforeAll(() => {
  mkdirSync(join(folder, "app"));
  const names = { POSTGRES_USER: "shop", DATABASE_HOST: "postgres", DATABASE_PORT: "5432", SHORT: "abc" };
  const key = "-----BEGIN PRIVATE KEY-----\ncanarykeyline1\ncanarykeyline2\n";
  for (const [name, value] of Object.entries({ ...known, ...names, TLS_KEY: key }))
    writeFileSync(join(folder, "app", name), `${value}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const written = (words: string[]): string =>
  execFileSync("python3", ["-IS", `${scripts}/redact.py`, folder], {
    input: words.map((word) => `${word}\0`).join(""),
    encoding: "utf8",
  });

test("lines of a container are shown without secrets", () => {
  const lines = redactions.map(([line]) => line);
  const shown = execFileSync("python3", ["-IS", `${scripts}/redact.py`, "--lines", folder], {
    input: lines.map((line) => `${line}\n`).join(""),
    encoding: "utf8",
  });
  expect(shown).toBe(redactions.map(([, expected]) => `${expected}\n`).join(""));
});

describe("the history", () => {
  test("hides the same as the collector", () => {
    const code = "import json, pathlib, redact\nknown = redact.patterns_of(pathlib.Path(sys.argv[2]))\n";
    const lines = redactions.map(([line]) => line);
    const hidden = python(
      `${code}print(json.dumps([redact.hidden(line, known) for line in json.loads(sys.argv[3])]))`,
      folder,
      JSON.stringify(lines),
    );
    expect(JSON.parse(hidden)).toEqual(redactions.map(([, left]) => left));
  });

  test("has the expressions of the collector", () => {
    const { operators } = parse(read("logs/records.yaml")).receivers.file_log;
    const ofCollector = operators.flatMap(({ type, regex }: { type: string; regex?: string }) =>
      type === "regex_replace" ? [regex] : [],
    );
    expect(JSON.parse(python("import json, redact\nprint(json.dumps(redact.FORMS))"))).toEqual(ofCollector);
  });

  test.each([
    [["psql", "-c", "ALTER ROLE x PASSWORD 'hunter 2'"], `psql -c 'ALTER ROLE x PASSWORD '"'"'***'"'"''`],
    [
      ["run", "--password", "hunter 2", "--token", "x", "--verbose"],
      "run --password *** --token *** --verbose",
    ],
    [["run", "--api-key=hunter2", "x"], "run '--api-key=***' x"],
    [["echo", `x${known.SECRET_KEY}`, "canarykeyline2"], "echo 'x***' ***"],
    [["connect", "shop@postgres", "workshop", "abc", "5432"], "connect '***@postgres' workshop abc 5432"],
    [["printf", "a\tb\nc"], "printf 'a b c'"],
  ])("writes the words %j as a shell would quote them", (words, line) => {
    expect(written(words)).toBe(`${line}\n`);
  });

  test("shortens a long command", () => {
    expect(written(["echo", "x".repeat(2000)])).toBe(`echo ${"x".repeat(995)}...\n`);
  });
});
