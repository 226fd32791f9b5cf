import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { $, glob } from "zx";
import { functionsOfModule, root } from "../../scripts/lib/module.ts";
import { withFunctions } from "../../scripts/lib/reference.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const reference = read("docs/reference.md");
let found: ReturnType<typeof functionsOfModule> | undefined;
/** Reading the module takes seconds. */
const functionsOf = (): ReturnType<typeof functionsOfModule> => {
  found ??= functionsOfModule();
  return found;
};

test("docs/reference.md lists the functions and arguments of the module; scripts/reference updates it", async () => {
  const functions = await functionsOf();
  expect(functions.length).toBeGreaterThan(25);
  expect(reference).toBe(await withFunctions(reference, functions));
  const undocumented = functions.filter(({ args, description }) =>
    [description, ...args.map((arg) => arg.description)].some((text) => text.trim() === ""),
  );
  expect(undocumented.map(({ command }) => command)).toEqual([]);
}, 60_000);

test("every function's first help line is a short imperative", async () => {
  const lines = (await functionsOf()).map(({ command, description }) => ({
    command,
    line: description.split("\n")[0] ?? "",
  }));
  expect(lines.length).toBeGreaterThan(25);
  expect(lines.map(({ command }) => command)).toContain("site status");
  expect(lines.filter(({ line }) => !isHelpLine(line))).toEqual([]);
}, 60_000);

test("every argument's help is one line, because the command line shows no more of it", async () => {
  const wrapped = (await functionsOf()).flatMap(({ command, args }) =>
    args
      .filter(({ description }) => description.trim().includes("\n"))
      .map(({ name }) => `${command} ${name}`),
  );
  expect(wrapped).toEqual([]);
}, 60_000);

/** Verbs that help lines begin with. A new one is added here: this keeps nouns and articles out. */
const verbs =
  /^(Back up|Build|Collect|Inspect|Lint|List|Prepare|Print|Push|Rehearse|Repair|Replace|Return|Run|Scan|Show|Start|Switch|Take|Test|Verify|Write)\b/;

function isHelpLine(line: string): boolean {
  // A line that ends without a full stop is cut: the command line shows only the first of a description.
  return line.length <= 70 && !line.includes(":") && verbs.test(line) && line.endsWith(".");
}

test.each([
  ["Build the production image.", true],
  ["The whole stack behind nginx.", false],
  ["Print a table: name, result, duration.", false],
  [`Print ${"a".repeat(70)}.`, false],
  ["Print log lines, oldest first, from the", false],
])("help line %j is valid: %s", (line, valid) => {
  expect(isHelpLine(line)).toBe(valid);
});

/** How each type of file reads the environment. */
const readings: [files: string, pattern: RegExp][] = [
  ["{engine/src,ci/src,scripts}/**/*.{ts,mjs}", /process\.env\.([A-Z][A-Z_0-9]+)|\benv\.([A-Z][A-Z_0-9]+)/g],
  [
    "{app,ci/image}/**/*.py",
    /environ\.get\("([A-Z_]+)"|environ\["([A-Z_]+)"\]|\benv\.\w+\("([A-Z_]+)"|flag\("([A-Z_]+)"\)/g,
  ],
  ["docker-compose*.yml", /\$\{([A-Z][A-Z_]+)/g],
  ["{scripts,nginx,ci/image,logs}/**/!(*.ts|*.mjs|*.py|Dockerfile)", /\$\{([A-Z][A-Z_]+)(?::?[-?][^}]*)?\}/g],
  [
    "{.github/workflows/*.yml,.circleci/config.yml,*.yml}",
    /\b(?:secrets|vars)\.([A-Z_]+)|env:\/\/([A-Z_]+)/g,
  ],
];

/** Not configuration: variables of bash, of a distribution's release file, and those that a script or runner sets itself. */
const inner =
  /^(BASH_SOURCE|ID|ID_LIKE|HOME|USER|SUDO_USER|SSH_CLIENT|SSH_CONNECTION|VERSION_ID|VERSION_CODENAME|PATH|PWD|ASKED|TSX_TSCONFIG_PATH|DAGGER_\w+|ENGINE_VERSION)$/;

test("docs/reference.md lists every environment variable that a file reads", async () => {
  const tracked = new Set((await $({ quiet: true, cwd: root })`git ls-files`).stdout.split("\n"));
  const missing = new Set<string>();
  for (const [files, pattern] of readings) {
    const paths = (await glob(files, { cwd: root, dot: true })).filter((path) => tracked.has(path));
    expect(paths, files).not.toEqual([]);
    for (const path of paths.filter((path) => !path.includes("/test"))) {
      for (const [, ...names] of read(path).matchAll(pattern)) {
        const name = names.find(Boolean) as string;
        if (!inner.test(name) && !new RegExp(`\\b${name}\\b`).test(reference))
          missing.add(`${path}: ${name}`);
      }
    }
  }
  expect([...missing]).toEqual([]);
});
