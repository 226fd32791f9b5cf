import { join } from "node:path";
import { $ } from "zx";
import { root } from "./module.ts";

/** Formats a generated file with biome, so that it passes the linter. */
export async function format(text: string, path: string): Promise<string> {
  const biome = join(root, "node_modules", ".bin", "biome");
  const run = $({ quiet: true, cwd: root, input: text })`${biome} format --stdin-file-path=${path}`;
  return (await run).stdout;
}
