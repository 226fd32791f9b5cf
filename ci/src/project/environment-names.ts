import { parseEnv } from "node:util";
import { type Fact, found } from "./fact.js";
import { type Files, lineOf, withParents } from "./files.js";

const names = [".env.example", ".env.sample", ".env.template", ".env-example", "env.example", "env.sample"];

/** The names in a file such as .env.example; their values are examples and are not read. */
export async function findEnvironmentNames(files: Files, folder: string): Promise<Fact<string>[]> {
  const path =
    files.firstOf(withParents(folder), names) ??
    files.paths.find((item) => names.includes(item.split("/").at(-1) as string));
  if (path === undefined) return [];
  const text = await files.text(path);
  // parseEnv sorts the names.
  return Object.keys(parseEnv(text))
    .map((name) => ({ name, line: lineOf(text, new RegExp(`^\\s*(export\\s+)?${name}\\s*=`, "m")) ?? 1 }))
    .sort((a, b) => a.line - b.line)
    .map(({ name, line }) => found(name, { file: path, line }));
}
