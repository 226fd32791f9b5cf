import { join } from "node:path";
import { $ } from "zx";
import { root } from "./module.ts";

/** A document as biome lays it out, for files that are written by a program and linted like all others. */
export async function format(text: string, path: string): Promise<string> {
  const biome = join(root, "node_modules", ".bin", "biome");
  const run = $({ quiet: true, cwd: root, input: text })`${biome} format --stdin-file-path=${path}`;
  return (await run).stdout;
}
