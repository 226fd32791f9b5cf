import { posix } from "node:path";
import type { TomlTable } from "smol-toml";
import { type Declared, declare, type Sets } from "./declared.js";
import type { Place } from "./fact.js";
import { type Files, lineOf } from "./files.js";
import type { Manager } from "./project.js";
import { fromPoetry, normalise } from "./specifiers.js";

/** What a manifest declares: pyproject.toml, Pipfile, setup.cfg or setup.py. */
export interface Manifest {
  file: string;
  /** The program whose own table it has. */
  manager?: Manager;
  /** The group that holds the dependencies where there is no table of the project. */
  mainGroup?: string;
  /** Undefined if it declares no dependencies at all, such as one with the settings of linters. */
  main?: Declared[];
  groups: Sets;
  extras: Sets;
  /** Python versions that it allows. */
  python?: Place & { specifier: string };
}

type Table = Record<string, unknown>;
const table = (value: unknown): Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];

/** The first manifest of a folder that declares dependencies. */
export async function readManifest(files: Files, folder: string): Promise<Manifest | undefined> {
  const path = (name: string): string => posix.join(folder, name);
  const readers: [string, (files: Files, path: string) => Promise<Manifest>][] = [
    ["pyproject.toml", readPyproject],
    ["setup.cfg", readSetupCfg],
    ["setup.py", readSetupPy],
  ];
  let first: Manifest | undefined;
  for (const [name, read] of readers) {
    if (!files.has(path(name))) continue;
    const manifest = await read(files, path(name));
    if (manifest.main) return manifest;
    first ??= manifest;
  }
  return first;
}

export async function readPyproject(files: Files, file: string): Promise<Manifest> {
  const [toml, content] = await Promise.all([files.toml(file), files.text(file)]);
  const [project, tool] = [table(toml.project), table(toml.tool)];
  const poetry = table(tool.poetry);
  const list = (texts: string[]): Promise<Declared[]> => declare(file, content, texts);
  const groups: Sets = {};
  const groupTexts = { ...table(table(tool.pdm)["dev-dependencies"]), ...table(toml["dependency-groups"]) };
  for (const name of Object.keys(groupTexts)) groups[name] = await list(groupItems(groupTexts, name));
  const legacy = strings(table(tool.uv)["dev-dependencies"]);
  if (legacy.length > 0) groups.dev = [...(groups.dev ?? []), ...(await list(legacy))];
  Object.assign(groups, poetryGroups(poetry, file, content));
  const extras: Sets = {};
  for (const [name, texts] of Object.entries(table(project["optional-dependencies"])))
    extras[name] = await list(strings(texts));
  const declares = Array.isArray(project.dependencies) || poetry.dependencies !== undefined;
  const mainGroup = declares ? undefined : Object.keys(groups).find((name) => groups[name]?.some(isDjango));
  const main = [
    ...(await list(strings(project.dependencies))),
    ...poetryPackages(poetry.dependencies, file, content),
    ...(mainGroup === undefined ? [] : (groups[mainGroup] ?? [])),
  ];
  const python = pythonOf(project, poetry, file, content);
  const manager = tool.poetry ? "poetry" : tool.uv ? "uv" : tool.pdm ? "pdm" : undefined;
  return {
    file,
    groups,
    extras,
    ...(manager && { manager }),
    ...((declares || mainGroup !== undefined) && { main }),
    ...(mainGroup !== undefined && { mainGroup }),
    ...(python && { python }),
  };
}

const isDjango = ({ name }: Declared): boolean => name === "django";

/** The texts of a group and of those that it includes. */
function groupItems(groups: Table, name: string, seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const items = Array.isArray(groups[name]) ? (groups[name] as unknown[]) : [];
  return items.flatMap((item) => {
    if (typeof item === "string") return [item];
    const included = table(item)["include-group"];
    const key = Object.keys(groups).find((group) => normalise(group) === normalise(String(included)));
    return key === undefined ? [] : groupItems(groups, key, seen);
  });
}

function poetryGroups(poetry: Table, file: string, content: string): Sets {
  const legacy = poetry["dev-dependencies"] === undefined ? {} : { dev: poetry["dev-dependencies"] };
  const groups = Object.entries(table(poetry.group)).map(([name, group]) => [
    name,
    table(group).dependencies,
  ]);
  return Object.fromEntries(
    [...Object.entries(legacy), ...groups].map(([name, packages]) => [
      name,
      poetryPackages(packages, file, content),
    ]),
  );
}

/** Packages by name, with a constraint or a table; Pipfile's have the same form. */
function poetryPackages(packages: unknown, file: string, content: string): Declared[] {
  return Object.entries(table(packages))
    .filter(([name]) => name !== "python")
    .map(([name, value]) => {
      const { version, extras } = typeof value === "string" ? { version: value, extras: [] } : table(value);
      const specifier = typeof version === "string" ? fromPoetry(version).join(" || ") : "";
      const key = name.replace(/[.\\]/g, "\\$&");
      const line = lineOf(content, new RegExp(`^["']?${key}["']?\\s*=`, "m"));
      return { name: normalise(name), extras: strings(extras), specifier, file, line };
    });
}

function pythonOf(project: Table, poetry: Table, file: string, content: string): Manifest["python"] {
  const required = project["requires-python"];
  if (typeof required === "string")
    return { specifier: required, file, line: lineOf(content, /^\s*["']?requires-python/m) };
  const python = table(poetry.dependencies).python;
  if (typeof python !== "string") return undefined;
  return { specifier: fromPoetry(python).join(" || "), file, line: lineOf(content, /^python\s*=/m) };
}

export async function readPipfile(files: Files, file: string): Promise<Manifest> {
  const [toml, content] = await Promise.all([files.toml(file), files.text(file)]);
  const { python_version, python_full_version } = table(toml.requires);
  const version = python_full_version ?? python_version;
  const python = {
    specifier: `==${version}${python_full_version === undefined ? ".*" : ""}`,
    file,
    line: lineOf(content, /^python_(full_)?version/m),
  };
  return {
    file,
    manager: "pipenv",
    main: poetryPackages(toml.packages, file, content),
    groups: { "dev-packages": poetryPackages(toml["dev-packages"], file, content) },
    extras: {},
    ...(version !== undefined && { python }),
  };
}

async function readSetupCfg(files: Files, file: string): Promise<Manifest> {
  const [ini, content] = await Promise.all([files.ini(file), files.text(file)]);
  const { install_requires: main, python_requires: specifier } = ini.options ?? {};
  const list = (text: string): Promise<Declared[]> =>
    declare(file, content, text.split("\n").filter(Boolean));
  const extras: Sets = {};
  for (const [name, text] of Object.entries(ini["options.extras_require"] ?? {}))
    extras[name] = await list(text);
  const python = specifier !== undefined && { specifier, file, line: lineOf(content, "python_requires") };
  return {
    file,
    groups: {},
    extras,
    ...(main !== undefined && { main: await list(main) }),
    ...(python && { python }),
  };
}

async function readSetupPy(files: Files, file: string): Promise<Manifest> {
  const [source, content] = await Promise.all([files.python(file), files.text(file)]);
  const texts = source.keyword("install_requires").map(({ text }) => text);
  const [python] = source.keyword("python_requires");
  return {
    file,
    groups: {},
    extras: {},
    ...(texts.length > 0 && { main: await declare(file, content, texts) }),
    ...(python && { python: { specifier: python.text, file, line: python.line } }),
  };
}

/** A table of a parsed document, for callers outside; an empty one if there is none. */
export function tableAt(document: TomlTable | Table, ...keys: string[]): Table {
  return keys.reduce<Table>((value, key) => table(value[key]), document as Table);
}
