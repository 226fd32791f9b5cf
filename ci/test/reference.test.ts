import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { $, glob } from "zx";
import { functionsOfModule, root } from "../../scripts/lib/module.ts";
import { withFunctions } from "../../scripts/lib/reference.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const reference = read("docs/reference.md");

test("docs/reference.md has every function and argument as the module registers them: else run scripts/reference", async () => {
  const functions = await functionsOfModule();
  expect(functions.length).toBeGreaterThan(5);
  expect(reference).toBe(await withFunctions(reference, functions));
  const silent = functions.filter(({ args, description }) =>
    [description, ...args.map((arg) => arg.description)].some((text) => text.trim() === ""),
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
}, 60_000);

/** How each kind of file reads the environment. */
const readings: [files: string, pattern: RegExp][] = [
  ["{engine/src,ci/src,scripts}/**/*.{ts,mjs}", /process\.env\.([A-Z][A-Z_0-9]+)|\benv\.([A-Z][A-Z_0-9]+)/g],
  [
    "app/**/*.py",
    /environ\.get\("([A-Z_]+)"|environ\["([A-Z_]+)"\]|\benv\.\w+\("([A-Z_]+)"|flag\("([A-Z_]+)"\)/g,
  ],
  ["docker-compose*.yml", /\$\{([A-Z][A-Z_]+)/g],
  ["{scripts,nginx,app/docker,logs}/**/!(*.ts|*.mjs|*.py)", /\$\{([A-Z][A-Z_]+)(?::?[-?][^}]*)?\}/g],
  [
    "{.github/workflows/*.yml,.circleci/config.yml,*.yml}",
    /\b(?:secrets|vars)\.([A-Z_]+)|env:\/\/([A-Z_]+)/g,
  ],
];

/** Not given from outside: bash's own, the release file of a distribution, what a script or runner sets for itself. */
const inner =
  /^(BASH_SOURCE|ID|ID_LIKE|HOME|USER|SUDO_USER|SSH_CLIENT|SSH_CONNECTION|VERSION_ID|PATH|PWD|TSX_TSCONFIG_PATH|DAGGER_\w+|ENGINE_VERSION)$/;

test("docs/reference.md names every environment variable that something reads", async () => {
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
