import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import { NOT_SOURCE } from "../session/function-call.ts";
import { ENGINE_VERSION } from "../version.ts";

/** Increases when the format of cached module types changes. */
const DEFINITION_FORMAT = 1;

export interface ModuleConfig {
  /** The name that it gives itself. */
  name: string;
  /** The name by which the API has it: as a dependency, the one that the dependent module gives it. */
  apiName: string;
  /** Modules of this machine whose functions its own can call. */
  dependencies: ModuleConfig[];
  /** Folder of dagger.json. */
  root: string;
  /** Root of absolute default paths: the Git repository, else the module's root. */
  contextRoot: string;
  /** Folder of the module's package.json. */
  source: string;
  /** TypeScript files that make up the module. */
  files: string[];
  /** Changes with any file of the module's source, or of its dependencies'. */
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
  const config = readModule(root, []);
  checkNames(config, new Map());
  return config;
}

/** @throws UserError when the API would have two modules under one name. */
function checkNames({ apiName, root, dependencies }: ModuleConfig, roots: Map<string, string>): void {
  const known = roots.get(apiName) ?? root;
  if (known !== root)
    throw new UserError(
      `two modules are named ${apiName}, in ${known} and ${root}: give one of them another "name" where it is a dependency`,
    );
  roots.set(apiName, root);
  for (const dependency of dependencies) checkNames(dependency, roots);
}

/** @param dependents folders of the modules that depend on it, each on the next. */
function readModule(root: string, dependents: readonly string[], apiName?: string): ModuleConfig {
  const config = parseConfig(join(root, "dagger.json"));
  const source = resolve(root, config.source ?? ".");
  const files = listFiles(join(source, "src")).filter((path) => /\.m?ts$/.test(path));
  if (files.length === 0)
    throw new UserError(
      `no TypeScript file below ${join(source, "src")}: dagger.json's "source" points there`,
    );
  const dependencies = (config.dependencies ?? []).map((item) => readDependency(item, root, dependents));
  return {
    name: config.name,
    apiName: apiName ?? config.name,
    dependencies,
    root,
    contextRoot: findUp(root, ".git") ?? root,
    source,
    files,
    // A module can read its other files, too: currentModule.source.
    digest: digestSources(root, listFiles(source), dependencies),
  };
}

/** A dependency is a folder with a dagger.json, named from the folder of the dependent module's. */
function readDependency(
  { name, source }: Dependency,
  root: string,
  dependents: readonly string[],
): ModuleConfig {
  const own = join(root, "dagger.json");
  const folder = resolve(root, source ?? "");
  const isLocal =
    source !== undefined && (/^\.{0,2}\//.test(source) || existsSync(join(folder, "dagger.json")));
  if (!isLocal)
    throw new UserError(
      `${own}: the dependency ${JSON.stringify(source ?? name)} is not a folder of this machine; the official engine fetches it: STACKLINE_ENGINE=dagger`,
    );
  if (!existsSync(join(folder, "dagger.json")))
    throw new UserError(`${own}: there is no dagger.json in the dependency ${source}: check the path`);
  const path = [...dependents, root];
  if (path.includes(folder))
    throw new UserError(`${own}: its dependencies form a cycle: ${[...path, folder].join(" > ")}`);
  return readModule(folder, path, name || undefined);
}

interface Dependency {
  name?: string;
  source?: string;
}

interface DaggerJson {
  name: string;
  dependencies?: Dependency[];
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
  const below = readdirSync(dir, { withFileTypes: true }).flatMap((item) => {
    const path = join(dir, item.name);
    if (item.isDirectory()) return NOT_SOURCE.includes(item.name) ? [] : listFiles(path);
    return item.isFile() ? [path] : [];
  });
  return below.sort();
}

function digestSources(root: string, files: string[], dependencies: ModuleConfig[]): string {
  const hash = createHash("sha256").update(`${ENGINE_VERSION} ${DEFINITION_FORMAT}`);
  for (const { apiName, digest } of dependencies) hash.update(apiName).update("\0").update(digest);
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
