import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
// @ts-expect-error plain JavaScript, which dependency-cruiser reads itself
import { engineLayers, moduleLayers } from "../.dependency-cruiser.mjs";
import { temporaryFolder } from "../engine/test/folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const cruiser = join(root, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");
const CONFIG = ".dependency-cruiser.mjs";

interface Cruise {
  /** "rule: from -> to" of each import that a rule forbids. */
  violations: string[];
  files: string[];
}

/** Applies the rules to a tree with the repository's folders. */
function cruise(folder: string): Cruise {
  const parts = ["engine", "ci", "scripts", "tests"].filter((part) => existsSync(join(folder, part)));
  const options = ["--config", CONFIG, "--output-type", "json", ...parts];
  const json = execFileSync(process.execPath, [cruiser, ...options], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const { summary, modules } = JSON.parse(json) as {
    summary: { violations: { rule: { name: string }; from: string; to: string }[] };
    modules: { source: string }[];
  };
  return {
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`),
    files: modules.map(({ source }) => source),
  };
}

/** Applies the rules to files that import nothing but the types of others. */
function cruiseImports(imports: Record<string, string[]>): string[] {
  const folder = temporaryFolder();
  copyFileSync(join(root, CONFIG), join(folder, CONFIG));
  writeFileSync(join(folder, "tsconfig.json"), '{ "compilerOptions": { "module": "NodeNext" } }');
  for (const [path, targets] of Object.entries(imports)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const lines = targets.map((target, i) => `import type { T as T${i} } from "${up(path)}${target}";\n`);
    writeFileSync(
      join(folder, path),
      `${lines.join("")}export type T = [${targets.map((_, i) => `T${i}`)}];\n`,
    );
  }
  return cruise(folder).violations;
}

function up(path: string): string {
  return "../".repeat(path.split("/").length - 1);
}

/** One file for each layer, from the top down. */
function filesOf(stack: string, layers: string[]): string[] {
  return layers.flatMap((layer) => layer.split("|").map((name) => `${stack}/${name}/file.ts`));
}

const stacks: [folder: string, layers: string[]][] = [
  ["engine/src", engineLayers],
  ["ci/src", moduleLayers],
];

it("no layer imports one above it, and no imports form a cycle", { timeout: 120_000 }, () => {
  const { violations, files } = cruise(root);
  expect(violations).toEqual([]);
  for (const part of [
    "engine/src/docker/",
    "engine/src/images/",
    "engine/test/",
    "ci/src/",
    "scripts/",
    "tests/",
  ])
    expect(files.filter((file) => file.startsWith(part))).not.toEqual([]);
});

describe.each(stacks)("in %s", { timeout: 60_000 }, (stack, layers) => {
  const files = filesOf(stack, layers);

  it("a layer may import any below it", () => {
    const below = files.map((file, i): [string, string[]] => [file, files.slice(i + 1)]);
    const beside = (file: string, target: string): boolean => /store/.test(file) && /schema/.test(target);
    expect(
      cruiseImports(
        Object.fromEntries(below.map(([file, all]) => [file, all.filter((target) => !beside(file, target))])),
      ),
    ).toEqual([]);
  });

  it("an import of the layer above is found, also of its types alone", () => {
    const above = files.map((file, i): [string, string[]] => [file, files.slice(Math.max(0, i - 1), i)]);
    const found = cruiseImports(Object.fromEntries(above)).map((line) => line.replace(/^.*: /, ""));
    expect(found.sort()).toEqual(
      files
        .slice(1)
        .map((file, i) => `${file} -> ${files[i]}`)
        .sort(),
    );
  });
});

it("a cycle is found, also within a layer", { timeout: 60_000 }, () => {
  const [a, b] = ["scripts/lib/a.ts", "scripts/lib/b.ts"];
  expect(cruiseImports({ [a]: [b], [b]: [a] })).toEqual([`no cycles: ${a} -> ${b}`]);
});
