import { posix } from "node:path";
import { byDefault, type Fact, found, guessed, type Place } from "./fact.js";
import { type Files, lineOf } from "./files.js";
import { tableAt } from "./manifests.js";
import { isModuleName, type Modules } from "./modules.js";
import type { TestRunner } from "./project.js";
import { namedIn } from "./settings.js";

/** pytest's configuration, as far as it concerns Django. */
interface PytestConfig extends Place {
  settings?: Fact<string>;
}

/** The files that may configure pytest, with the section; the first that has it is used, as by pytest. */
const sections: [file: string, section: string][] = [
  ["pytest.ini", "pytest"],
  [".pytest.ini", "pytest"],
  ["tox.ini", "pytest"],
  ["setup.cfg", "tool:pytest"],
];

export async function readPytest(
  files: Files,
  modules: Modules,
  folders: string[],
): Promise<PytestConfig | undefined> {
  for (const folder of folders) {
    const path = (name: string): string => posix.join(folder, name);
    const toml = await inPyproject(files, path("pyproject.toml"));
    const [dedicated, ...others] = await Promise.all(
      sections.map(([file, section]) => inIni(files, path(file), section)),
    );
    // pytest.ini counts even if it is empty.
    const config = dedicated ?? toml ?? others.find(Boolean);
    if (config?.settings) return config;
    const conftest = await inConftest(files, modules, path("conftest.py"));
    if (conftest) return conftest;
    if (config) return config;
  }
  return undefined;
}

type Options = Record<string, unknown>;

async function inIni(files: Files, file: string, section: string): Promise<PytestConfig | undefined> {
  if (!files.has(file)) return undefined;
  const options = (await files.ini(file))[section];
  return options && withSettings(options, file, await files.text(file));
}

async function inPyproject(files: Files, file: string): Promise<PytestConfig | undefined> {
  if (!files.has(file)) return undefined;
  const pytest = tableAt(await files.toml(file), "tool", "pytest");
  if (Object.keys(pytest).length === 0) return undefined;
  return withSettings({ ...pytest, ...tableAt(pytest, "ini_options") }, file, await files.text(file));
}

function withSettings(options: Options, file: string, content: string): PytestConfig {
  const text = (name: string): string => {
    const value = options[name];
    return Array.isArray(value) ? value.join("\n") : typeof value === "string" ? value : "";
  };
  const [, flag] = /(?:^|\s)--ds[=\s]\s*["']?([\w.]+)/.exec(text("addopts")) ?? [];
  // Of pytest-env: "DJANGO_SETTINGS_MODULE=x", with D: before it for a default.
  const [, variable] = /^(?:\w:)*DJANGO_SETTINGS_MODULE\s*=\s*["']?([\w.]+)/m.exec(text("env")) ?? [];
  const module = flag ?? (text("DJANGO_SETTINGS_MODULE").trim() || variable);
  if (!module || !isModuleName(module)) return { file };
  return { file, settings: found(module, { file, line: lineOf(content, module) }) };
}

async function inConftest(files: Files, modules: Modules, file: string): Promise<PytestConfig | undefined> {
  if (!files.has(file)) return undefined;
  const [first] = await namedIn(files, modules, file);
  return first && { file, settings: found(first.text, { file, line: first.line }) };
}

/** pytest with pytest-django, or Django's own runner. */
export function chooseRunner(
  packages: Record<string, Fact<string>>,
  pytest: PytestConfig | undefined,
): Fact<TestRunner> {
  const plugin = packages["pytest-django"];
  if (plugin?.file) return { ...plugin, origin: "found", value: "pytest" };
  if (pytest?.settings?.file) return { ...pytest.settings, origin: "found", value: "pytest" };
  if (packages.pytest && pytest) return guessed("pytest", pytest);
  return byDefault("django");
}
