import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadModuleConfig } from "../src/module/config.ts";
import { temporaryFolder } from "./folder.ts";

test("an edit of any file below a module's src gives its functions new cache keys: they can read it", () => {
  const root = temporaryFolder();
  writeFileSync(join(root, "dagger.json"), JSON.stringify({ name: "m", sdk: "typescript", source: "." }));
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "src", "index.ts"), "export class M {}");
  writeFileSync(join(root, "src", "data.txt"), "one");
  const { digest, files } = loadModuleConfig(root);
  expect(loadModuleConfig(root).digest).toBe(digest);
  writeFileSync(join(root, "src", "data.txt"), "two");
  expect(loadModuleConfig(root).digest).not.toBe(digest);
  expect(files.filter((path) => path.endsWith(".txt"))).toEqual([]);
});
