import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import { ENGINE_VERSION } from "../version.ts";

/** Increases when the format of cached module types changes. */
const DEFINITION_FORMAT = 1;

export interface ModuleConfig {
  name: string;
  /** Folder of dagger.json. */
  root: string;
  /** Root of absolute default paths: the Git repository, else the module's root. */
  contextRoot: string;
  /** Folder of the module's package.json. */
  source: string;
  /** TypeScript files that make up the module. */
  files: string[];
  /** Changes with any source of the module. */
  digest: string;
}

/**
 * Reads a module's dagger.json, in `path` or above.
 * @throws UserError when there is none, or this engine cannot run the module.
 */
export function loadModuleConfig(path: string): ModuleConfig {
  const root = findUp(path, "dagger.json");
  if (!root)
    throw new UserError(
      `no dagger.json in ${resolve(path)} or above: run from a module, or name one with -m`,
    );
  const config = parseConfig(join(root, "dagger.json"));
  const source = resolve(root, config.source ?? ".");
  const all = listFiles(join(source, "src"));
  const files = all.filter((path) => /\.m?ts$/.test(path));
  if (files.length === 0)
    throw new UserError(
      `no TypeScript file below ${join(source, "src")}: dagger.json's "source" points there`,
    );
  return {
    name: config.name,
    root,
    contextRoot: findUp(root, ".git") ?? root,
    source,
    files,
    // A module can read its other files, too: currentModule.source.
    digest: digestSources(root, all),
  };
}

interface DaggerJson {
  name: string;
  dependencies?: unknown[];
  sdk?: string | { source?: string };
  source?: string;
}

function parseConfig(path: string): DaggerJson {
  let config: DaggerJson;
  try {
    config = JSON.parse(readFileSync(path, "utf8")) as DaggerJson;
  } catch (error) {
    throw new UserError(`${path} is not valid JSON: ${(error as Error).message}`);
  }
  if (typeof config.name !== "string" || config.name === "")
    throw new UserError(`${path}: "name" is missing`);
  if (config.dependencies?.length) {
    throw new UserError(
      `${path}: "dependencies" are not part of the embedded engine; the official engine has them: STACKLINE_ENGINE=dagger`,
    );
  }
  const sdk = typeof config.sdk === "string" ? config.sdk : config.sdk?.source;
  if (sdk !== "typescript") {
    throw new UserError(
      `${path}: "sdk" is ${JSON.stringify(sdk)}, the embedded engine runs only TypeScript modules; use the official engine`,
    );
  }
  return config;
}

function findUp(from: string, name: string): string | undefined {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, name))) return dir;
    if (dir === dirname(dir)) return undefined;
  }
}

function listFiles(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name))
    .sort();
}

function digestSources(root: string, files: string[]): string {
  const hash = createHash("sha256").update(`${ENGINE_VERSION} ${DEFINITION_FORMAT}`);
  for (const file of [join(root, "dagger.json"), ...files])
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

/** "my-module" and "myModule" give "MyModule". */
export function pascalCase(name: string): string {
  return name.replace(/(?:^|[-_\s]+)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** "my-module" and "MyModule" give "myModule". */
export function camelCase(name: string): string {
  const pascal = pascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}
