import { posix } from "node:path";
import { type Declared, readRequirementsFile } from "./declared.js";
import { byDefault, type Fact, found } from "./fact.js";
import { type Files, withParents } from "./files.js";
import { type Manifest, readManifest, readPipfile } from "./manifests.js";
import type { Manager } from "./project.js";
import { mainRequirements } from "./requirements-files.js";

/** How the dependencies are installed, and what is declared. */
export interface Dependencies {
  manager: Fact<Manager>;
  /** Files, "group:NAME" and "extra:NAME". */
  files: Fact<string[]>;
  lock?: string;
  manifest?: Manifest;
  main: Declared[];
  /** Folder in which files for tests are looked for. */
  folder: string;
}

/** Lock files in the order in which they are preferred to one another. */
const locks: [name: RegExp, manager: Manager][] = [
  [/^uv\.lock$/, "uv"],
  [/^poetry\.lock$/, "poetry"],
  [/^pdm\.lock$/, "pdm"],
  [/^pylock(\.\w+)?\.toml$/, "pip"],
  [/^Pipfile\.lock$/, "pipenv"],
];

/**
 * Looks beside manage.py, in the folders above it, then one folder down.
 * @param named What stackline.json says that production installs.
 */
export async function findDependencies(
  files: Files,
  folder: string,
  named: Fact<string[]> | undefined,
): Promise<Dependencies> {
  const none: Dependencies = { manager: byDefault("pip"), files: byDefault([]), main: [], folder };
  const detected = (await detectDependencies(files, folder)) ?? none;
  if (!named) return detected;
  const main = await packagesOf(files, named.value, detected.manifest);
  return { ...detected, files: named, main };
}

/** Those that name Django or a package for it; others may be of tools, or of another part of the repository. */
async function detectDependencies(files: Files, folder: string): Promise<Dependencies | undefined> {
  const above = withParents(folder);
  let first: Dependencies | undefined;
  for (const place of above) {
    for await (const dependencies of inFolder(files, place, above)) {
      if (dependencies.main.some(needsDjango)) return dependencies;
      first ??= dependencies;
    }
  }
  return (await oneFolderDown(files)) ?? first;
}

const needsDjango = ({ name }: Declared): boolean => /^(django|wagtail|mezzanine)/.test(name);

/** The packages of files, "group:NAME" and "extra:NAME". */
export async function packagesOf(
  files: Files,
  names: readonly string[],
  manifest: Manifest | undefined,
): Promise<Declared[]> {
  const packages = await Promise.all(
    names.map((name) => {
      const [, kind, set = ""] = /^(group|extra):(.*)$/.exec(name) ?? [];
      if (kind) return manifest?.[kind === "group" ? "groups" : "extras"][set] ?? [];
      const isList = /\.(txt|in|pip)$/.test(name);
      return isList
        ? readRequirementsFile(files, name, localReader(files, manifest))
        : (manifest?.main ?? []);
    }),
  );
  return packages.flat();
}

/** Lock files first, then what they would be made of. */
async function* inFolder(files: Files, folder: string, above: string[]): AsyncGenerator<Dependencies> {
  const pipfile = files.firstOf([folder], ["Pipfile"]);
  const manifest = await readManifest(files, folder);
  const lock = lockIn(files, folder);
  if (lock) {
    const source = lock.manager === "pipenv" && pipfile ? await readPipfile(files, pipfile) : manifest;
    yield locked(files, folder, lock, source);
  }
  if (pipfile) yield declared(folder, await readPipfile(files, pipfile));
  const workspace = above.map((place) => lockIn(files, place)).find((item) => item?.manager === "uv");
  if (workspace && manifest?.main) yield locked(files, folder, workspace, manifest);
  const requirements = await mainRequirements(files, folder);
  if (requirements) {
    const main = await readRequirementsFile(files, requirements, localReader(files, manifest));
    const shared = { manager: found("pip" as const, { file: requirements }), main, folder };
    yield { ...shared, files: found([requirements], { file: requirements }), ...(manifest && { manifest }) };
  }
  if (manifest?.main) yield declared(folder, manifest);
}

interface Lock {
  path: string;
  manager: Manager;
}

function lockIn(files: Files, folder: string): Lock | undefined {
  const inside = files.paths.filter((path) => posix.join(folder, posix.basename(path)) === path);
  for (const [name, manager] of locks) {
    const path = inside.find((item) => name.test(posix.basename(item)));
    if (path) return { path, manager };
  }
  return undefined;
}

async function locked(
  files: Files,
  folder: string,
  { path, manager }: Lock,
  manifest: Manifest | undefined,
): Promise<Dependencies> {
  const isPylock = /pylock/.test(path);
  const group = manifest?.mainGroup;
  const main = manifest?.main ?? (isPylock ? await lockedPackages(files, path) : []);
  return {
    manager: found(manager, { file: path }),
    files: found([path, ...(group === undefined ? [] : [`group:${group}`]), ...productionSets(manifest)], {
      file: path,
    }),
    lock: path,
    main: [...main, ...productionPackages(manifest)],
    folder,
    ...(manifest && { manifest }),
  };
}

function declared(folder: string, manifest: Manifest): Dependencies {
  const { file, mainGroup } = manifest;
  return {
    manager: found(manifest.manager ?? "pip", { file }),
    files: found([mainGroup === undefined ? file : `group:${mainGroup}`, ...productionSets(manifest)], {
      file,
    }),
    manifest,
    main: [...(manifest.main ?? []), ...productionPackages(manifest)],
    folder,
  };
}

const forProduction = /^(prod|production|deploy|deployment)$/i;

function productionSets(manifest: Manifest | undefined): string[] {
  const of = (sets: object, kind: string): string[] =>
    Object.keys(sets)
      .filter((name) => forProduction.test(name))
      .map((name) => `${kind}:${name}`);
  return manifest ? [...of(manifest.groups, "group"), ...of(manifest.extras, "extra")] : [];
}

function productionPackages(manifest: Manifest | undefined): Declared[] {
  const sets = { ...manifest?.extras, ...manifest?.groups };
  return Object.entries(sets).flatMap(([name, packages]) => (forProduction.test(name) ? packages : []));
}

/** A lock file that no manifest stands beside declares its packages itself. */
async function lockedPackages(files: Files, path: string): Promise<Declared[]> {
  const { packages } = await files.toml(path);
  const items = Array.isArray(packages) ? (packages as { name?: string; version?: string }[]) : [];
  return items.map(({ name = "", version }) => ({
    name,
    extras: [],
    specifier: version === undefined ? "" : `==${version}`,
    file: path,
  }));
}

/** Reads what a requirements file names as ".[test]" or "./libs/orders". */
export function localReader(files: Files, own: Manifest | undefined) {
  return async (folder: string, extras: string[]): Promise<Declared[]> => {
    const manifest = own && posix.dirname(own.file) === folder ? own : await readManifest(files, folder);
    return [...(manifest?.main ?? []), ...extras.flatMap((name) => manifest?.extras[name] ?? [])];
  };
}

/** The dependencies of any folder directly below that need Django. */
async function oneFolderDown(files: Files): Promise<Dependencies | undefined> {
  const nested = files.paths.filter((path) => path.includes("/"));
  const folders = [...new Set(nested.map((path) => path.split("/")[0] as string))];
  for (const folder of folders) {
    for await (const dependencies of inFolder(files, folder, [folder, ""])) {
      const { main, files: names } = dependencies;
      if (main.some(needsDjango)) return { ...dependencies, files: { ...names, origin: "guessed" } };
    }
  }
  return undefined;
}
