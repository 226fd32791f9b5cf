import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadModuleConfig } from "../src/module/config.ts";
import { temporaryFolder } from "./folder.ts";

/** A module whose source is the folder itself. */
function makeModule(dependencies: { name?: string; source?: string }[] = []): string {
  const root = temporaryFolder();
  const config = { name: "m", sdk: "typescript", source: ".", dependencies };
  writeFileSync(join(root, "dagger.json"), JSON.stringify(config));
  for (const folder of ["src", "node_modules"]) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "src", "index.ts"), "export class M {}");
  return root;
}

test.each(["src/data.txt", "m.schema.json", "node_modules.txt"])(
  "an edit of a module's %s gives its functions new cache keys: they can read it",
  (name) => {
    const root = makeModule();
    writeFileSync(join(root, name), "one");
    const { digest, files } = loadModuleConfig(root);
    expect(loadModuleConfig(root).digest).toBe(digest);
    writeFileSync(join(root, name), "two");
    expect(loadModuleConfig(root).digest).not.toBe(digest);
    expect(files).toEqual([join(root, "src", "index.ts")]);
  },
);

test("installed packages are no part of a module's source", () => {
  const root = makeModule();
  const { digest } = loadModuleConfig(root);
  writeFileSync(join(root, "node_modules", "m.js"), "");
  expect(loadModuleConfig(root).digest).toBe(digest);
});

test("an edit of a dependency gives a module's functions new cache keys", () => {
  const other = makeModule();
  const root = makeModule([{ name: "other", source: other }]);
  const { digest, dependencies } = loadModuleConfig(root);
  expect(dependencies.map(({ name, apiName }) => [name, apiName])).toEqual([["m", "other"]]);
  writeFileSync(join(other, "src", "more.ts"), "");
  expect(loadModuleConfig(root).digest).not.toBe(digest);
});

test.each([
  [{ name: "x", source: "github.com/a/b@v1" }, /"github.com\/a\/b@v1" is not a folder of this machine/],
  [{ name: "x" }, /"x" is not a folder of this machine/],
  [{ source: "./gone" }, /there is no dagger.json in the dependency \.\/gone/],
  [{ source: "." }, /its dependencies form a cycle/],
])("a dependency that cannot be loaded is named: %j", (dependency, message) => {
  expect(() => loadModuleConfig(makeModule([dependency]))).toThrow(message);
});

test("two dependencies cannot have one name", () => {
  const [one, two] = [makeModule(), makeModule()];
  const root = makeModule([
    { name: "x", source: one },
    { name: "x", source: two },
  ]);
  expect(() => loadModuleConfig(root)).toThrow(/two modules are named x, in .* and /);
});
