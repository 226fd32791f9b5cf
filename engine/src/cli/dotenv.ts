import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse } from "dotenv";
import type { CliArgument, CliFunction } from "./model.ts";

/** A `.env` file with defaults for a module's arguments. */
export interface EnvFile {
  path: string;
  values: Map<string, string>;
  /** A file above the module's folder must name the module. */
  needsPrefix: boolean;
}

export interface EnvDefault {
  text: string;
  /** E.g. "TEST_TAG in .env". */
  label: string;
  folder: string;
}

/** The files to read, by precedence: the nearest from the working directory upward, then the module's own. */
export function findEnvFiles(
  workdir: string,
  moduleRoot: string,
  env: NodeJS.ProcessEnv = process.env,
): EnvFile[] {
  const outer = nearest(workdir);
  const own = join(moduleRoot, ".env");
  const paths = [...(outer ? [outer] : []), ...(existsSync(own) && outer !== own ? [own] : [])];
  return paths.map((path) => ({
    path,
    needsPrefix: !resolve(path).startsWith(`${resolve(moduleRoot)}/`),
    values: readEnvFile(path, env),
  }));
}

function nearest(from: string): string | undefined {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    const path = join(dir, ".env");
    if (existsSync(path)) return path;
    if (dir === dirname(dir)) return undefined;
  }
}

function readEnvFile(path: string, env: NodeJS.ProcessEnv): Map<string, string> {
  const values = Object.entries(parse(readFileSync(path)));
  return new Map(values.map(([name, value]) => [name, fillIn(value, env)]));
}

/** Replaces `${NAME}`, and `${NAME:-default}` where NAME is unset or empty. */
function fillIn(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name, fallback = "") => env[name] || fallback);
}

/**
 * An argument's default from `.env` files: FUNCTION_ARGUMENT, or ARGUMENT for the constructor, with or
 * without the prefix MODULE_. Case is ignored; the argument's part contains no underscore.
 */
export function findEnvDefault(
  files: EnvFile[],
  moduleName: string,
  fn: CliFunction | undefined,
  arg: CliArgument,
): EnvDefault | undefined {
  const plain = (text: string): string => text.replace(/[-_]/g, "").toLowerCase();
  const argument = plain(arg.name);
  for (const file of files) {
    for (const [key, text] of file.values) {
      const parts = key.toLowerCase().split("_");
      if (parts.pop() !== argument) continue;
      const owner = parts.join("");
      const withModule = owner === plain(moduleName) + plain(fn?.name ?? "");
      const bare = !file.needsPrefix && owner === plain(fn?.name ?? "");
      if (withModule || bare) return { text, label: `${key} in ${file.path}`, folder: dirname(file.path) };
    }
  }
  return undefined;
}
