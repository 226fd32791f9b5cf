import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { kebabCase } from "../../engine/src/cli/model.ts";
import { functionsOfModule, root } from "../../scripts/lib/module.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");

test("the README has at most 150 lines", () => {
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});

test("the README names every function", async () => {
  const names = (await functionsOfModule()).map(({ name }) => kebabCase(name));
  expect(names.length).toBeGreaterThan(25);
  const words = new Set([...readme.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) => code.split(" ")));
  expect(names.filter((name) => !words.has(name))).toEqual([]);
}, 60_000);
