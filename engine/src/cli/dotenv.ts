import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expander } from "../core/env-value.ts";
import { UserError } from "../core/errors.ts";
import type { CliArgument, CliFunction } from "./model.ts";

/** A `.env` file with defaults for a module's arguments. */
export interface EnvFile {
  path: string;
  /** Names in their order. */
  names: string[];
  /** @throws UserError if it cannot be expanded. */
  read(name: string): string;
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
    ...readEnvFile(path, env),
  }));
}

function nearest(from: string): string | undefined {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    const path = join(dir, ".env");
    if (existsSync(path)) return path;
    if (dir === dirname(dir)) return undefined;
  }
}

/** Values are expanded when they are asked for: those of other modules may need variables that are not set. */
function readEnvFile(path: string, env: NodeJS.ProcessEnv): Pick<EnvFile, "names" | "read"> {
  const raw = rawValues(path);
  const expand = expander(raw, (name) => env[name] ?? "");
  const read = (name: string): string => {
    try {
      return expand(name);
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${path}: ${name}: ${error.message}`) : error;
    }
  };
  return { names: [...raw.keys()], read };
}

/** The last line of a name counts. */
function rawValues(path: string): Map<string, string> {
  const raw = new Map<string, string>();
  for (const [at, line] of readFileSync(path, "utf8").split("\n").entries()) {
    const text = line.trim().replace(/^export\s+/, "");
    if (text === "" || text.startsWith("#")) continue;
    const [, name, value = ""] = /^([A-Za-z_]\w*)(?:=(.*))?$/.exec(text) ?? [];
    if (name === undefined) throw new UserError(`${path}: line ${at + 1} is not NAME=VALUE`);
    raw.set(name, value);
  }
  return raw;
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
  const argument = plain(arg.name);
  for (const file of files) {
    for (const key of file.names) {
      if (key.toLowerCase().split("_").pop() !== argument || !belongsTo(file, key, moduleName, fn)) continue;
      return { text: file.read(key), label: `${key} in ${file.path}`, folder: dirname(file.path) };
    }
  }
  return undefined;
}

/**
 * Expands the defaults of all functions, as the official engine does when it loads the module: one that cannot be expanded
 * fails every call.
 * @throws UserError for the first.
 */
export function checkEnvFiles(files: EnvFile[], moduleName: string, functions: CliFunction[]): void {
  for (const file of files) {
    for (const key of file.names) {
      if (functions.some((fn) => belongsTo(file, key, moduleName, fn))) file.read(key);
    }
  }
}

const plain = (text: string): string => text.replace(/[-_]/g, "").toLowerCase();

/** Whether a name's part before the last underscore names the function, or for the constructor nothing but the module. */
function belongsTo(
  { needsPrefix }: EnvFile,
  key: string,
  moduleName: string,
  fn: CliFunction | undefined,
): boolean {
  const owner = key.toLowerCase().split("_").slice(0, -1).join("");
  const own = plain(fn?.name ?? "");
  return owner === plain(moduleName) + own || (!needsPrefix && owner === own);
}
