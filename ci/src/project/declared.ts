import { posix } from "node:path";
import type { Place } from "./fact.js";
import { type Files, folderOf, lineOf } from "./files.js";
import { parseRequirements } from "./requirements.js";
import { parseRequirement, type Requirement } from "./specifiers.js";

/** A declared package and the place that declares it. */
export interface Declared extends Requirement, Place {}

/** Packages by the names of groups or extras. */
export type Sets = Record<string, Declared[]>;

/** Requirements of PEP 508 in a file, with the line on which each stands. */
export async function declare(file: string, content: string, texts: readonly string[]): Promise<Declared[]> {
  const parsed = await Promise.all(
    texts.map(async (text) => {
      const requirement = await parseRequirement(text);
      return requirement && { ...requirement, file, line: lineOf(content, text) };
    }),
  );
  return parsed.filter((item) => item !== undefined);
}

/** The packages of a requirements file and of the files that it includes (-r, not -c), each file once. */
export async function readRequirementsFile(
  files: Files,
  path: string,
  readLocal: (folder: string, extras: string[]) => Promise<Declared[]>,
  seen = new Set<string>(),
): Promise<Declared[]> {
  if (seen.has(path) || !files.has(path)) return [];
  seen.add(path);
  const { paths, requirements } = parseRequirements(await files.text(path));
  const own = await Promise.all(
    requirements.map(async ({ line, text }) => {
      const requirement = await parseRequirement(text);
      return requirement && { ...requirement, file: path, line };
    }),
  );
  const nested = await Promise.all(
    paths.map(async ({ path: named, isFile, isConstraint, line }) => {
      if (isConstraint) return [];
      if (isFile) return readRequirementsFile(files, posix.join(folderOf(path), named), readLocal, seen);
      const text = requirements.find((item) => item.line === line)?.text ?? "";
      return readLocal(posix.join(named, "."), extrasOf(text));
    }),
  );
  return [...own.filter((item) => item !== undefined), ...nested.flat()];
}

/** "dev" and "test" of ".[dev,test]". */
function extrasOf(text: string): string[] {
  return (/\[([^\]]*)\]/.exec(text)?.[1] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

/** The files that a requirements file includes, itself among them. */
export async function includedFiles(
  files: Files,
  path: string,
  seen = new Set<string>(),
): Promise<Set<string>> {
  if (seen.has(path) || !files.has(path)) return seen;
  seen.add(path);
  const { paths } = parseRequirements(await files.text(path));
  for (const { path: named, isFile } of paths) {
    if (isFile) await includedFiles(files, posix.join(folderOf(path), named), seen);
  }
  return seen;
}
