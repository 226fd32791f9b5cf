import { byDefault, type Fact, found, guessed } from "./fact.js";
import { dockerfile, type Files, folderOf } from "./files.js";
import { isModuleName, type Modules } from "./modules.js";
import type { PythonSource, Text } from "./python-source.js";

const VARIABLE = "DJANGO_SETTINGS_MODULE";
const isForTests = (module: string): boolean => /(^|[._])(tests?|testing|ci)($|[._])/i.test(module);

/** The settings modules that manage.py names: for all commands, and for tests if it tells them apart. */
export interface ManagedSettings {
  settings: Fact<string>;
  tests?: Fact<string>;
}

export async function findSettings(files: Files, modules: Modules, manage: string): Promise<ManagedSettings> {
  const named = await namedIn(files, modules, manage);
  const main = named.find(({ text }) => !isForTests(text)) ?? named[0];
  if (main === undefined) return { settings: await guessSettings(files, modules) };
  const tests = named.find(({ text }) => isForTests(text));
  const fact = (text: Text): Fact<string> => found(text.text, { file: manage, line: text.line });
  const rivals = named.filter(({ text }) => !isForTests(text)).length;
  const settings = rivals > 1 ? { ...fact(main), origin: "guessed" as const } : fact(main);
  return tests && tests !== main ? { settings, tests: fact(tests) } : { settings };
}

/** The settings that a file gives Django: those that exist, else as they are written. */
export async function namedIn(files: Files, modules: Modules, path: string): Promise<Text[]> {
  const source = await files.python(path);
  const texts = source.environment(VARIABLE).flatMap((text) => completed(files, modules, text));
  const named = texts.filter(({ text }) => isModuleName(text));
  const existing = named.filter(({ text }) => modules.file(text) !== undefined);
  return existing.length > 0 ? existing : named.filter(({ text }) => text.includes("."));
}

/** What people call the settings of their own machine, then the others: the end of "config.settings.{}" or "config.settings.%s". */
const endings = ["local", "dev", "development", "develop", "base", "production", "prod"];

function completed(_files: Files, modules: Modules, { text, line }: Text): Text[] {
  const [, start] = /^([\w.]+\.)(?:%s|\{\w*\})?$/.exec(text) ?? [];
  if (start === undefined) return [{ text, line }];
  const known = endings.map((ending) => `${start}${ending}`).filter((module) => modules.file(module));
  return known.map((module) => ({ text: module, line }));
}

const isForDevelopment = (module: string): boolean =>
  /(^|[._])(local|dev|devel|development|debug)$/i.test(module);

/**
 * The settings that a Dockerfile of the project sets, else those that wsgi.py or asgi.py names, else those of manage.py. Where
 * they are for development and others lie beside them for production, these are meant.
 */
export async function findProductionSettings(
  files: Files,
  modules: Modules,
  entryPoints: (string | undefined)[],
  settings: Fact<string>,
): Promise<Fact<string>> {
  const inImage = await settingsInImage(files, modules);
  if (inImage) return inImage;
  let named = settings;
  for (const path of entryPoints.filter((item) => item !== undefined)) {
    const texts = await namedIn(files, modules, path);
    const text = texts.find((item) => !isForTests(item.text)) ?? texts[0];
    if (text === undefined) continue;
    named = found(text.text, { file: path, line: text.line });
    break;
  }
  return besideDevelopment(modules, named.value, ["production", "prod", "live"]) ?? named;
}

/** Remarks on settings for tests that no file names, beside those for development that manage.py names. */
export function remarkTests(modules: Modules, { value, file }: Fact<string>): string[] {
  const beside = besideDevelopment(modules, value, ["test", "tests", "testing"]);
  if (!beside) return [];
  const instead = `{"testSettings": "${beside.value}"}`;
  return [`tests use ${value} (${file}): for ${beside.file} write ${instead} into stackline.json`];
}

/** Settings for another purpose that lie beside some for development. */
function besideDevelopment(modules: Modules, module: string, endings: string[]): Fact<string> | undefined {
  if (!isForDevelopment(module)) return undefined;
  for (const ending of endings) {
    const name = module.replace(/[a-z]+$/i, ending);
    const file = modules.file(name);
    if (file !== undefined) return guessed(name, { file });
  }
  return undefined;
}

/** An ENV of a Dockerfile, over one line or several; a RUN may use other settings, for collectstatic. */
const inEnv = /^ENV\s(?:[^\n]*\\\n)*[^\n]*?\bDJANGO_SETTINGS_MODULE[= ]\s*["']?([\w.]+)/gim;

async function settingsInImage(files: Files, modules: Modules): Promise<Fact<string> | undefined> {
  for (const path of files.named(dockerfile)) {
    const text = await files.text(path);
    for (const { 0: match, 1: module = "", index } of text.matchAll(inEnv)) {
      const line = text.slice(0, index + match.length).split("\n").length;
      if (modules.file(module) && !isForDevelopment(module) && !isForTests(module))
        return found(module, { file: path, line });
    }
  }
  return undefined;
}

/** Without a name in manage.py: that in another entry point, or the only settings there are. */
async function guessSettings(files: Files, modules: Modules): Promise<Fact<string>> {
  for (const path of files.named(/^(wsgi|asgi|conftest|__main__|cli)\.py$/)) {
    const [text] = await namedIn(files, modules, path);
    if (text) return guessed(text.text, { file: path, line: text.line });
  }
  const named = files.paths.filter((path) => /(^|\/)settings(\.py|\/__init__\.py)$/.test(path));
  const own = named.filter((path) => !/(^|\/)tests?\//.test(path));
  const [path] = own.length > 0 ? own : named;
  return path === undefined ? byDefault("") : guessed(modules.name(path), { file: path });
}

/** A settings file with what it contains. */
export interface SettingsFile {
  path: string;
  source: PythonSource;
}

/** The most files that settings are followed into. */
const MOST = 40;

/** The files of settings modules and those that they import or include from the project, in that order. */
export async function readSettings(
  files: Files,
  modules: Modules,
  names: readonly string[],
): Promise<SettingsFile[]> {
  const first = names.map((name) => modules.file(name)).filter((path) => path !== undefined);
  const paths = new Set(first);
  const read: SettingsFile[] = [];
  for (const path of paths) {
    if (read.length === MOST) break;
    const source = await files.python(path);
    read.push({ path, source });
    for (const next of follow(files, modules, path, source)) paths.add(next);
  }
  return read;
}

function follow(files: Files, modules: Modules, path: string, source: PythonSource): string[] {
  const imports = source
    .imports()
    .map(({ text }) => modules.imported(path, text))
    .filter((file) => file !== undefined)
    // Of what settings import, only settings: not the project's models and views.
    .filter((file) => /settings|conf|env|components|default|base|common/i.test(file));
  // Of django-split-settings: include("components/base.py", optional("local.py")).
  const patterns = [...source.argumentsOf("include"), ...source.argumentsOf("optional")].map(
    ({ text }) => text,
  );
  const folder = folderOf(path);
  const isIncluded = (file: string): boolean =>
    patterns.some(
      (pattern) => pattern.endsWith(".py") && matches(file, folder ? `${folder}/${pattern}` : pattern),
    );
  return [...imports, ...files.paths.filter(isIncluded)];
}

function matches(path: string, pattern: string): boolean {
  const [start = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return path === pattern;
  return (
    path.startsWith(start) && path.endsWith(rest.at(-1) as string) && !path.slice(start.length).includes("/")
  );
}
