import { findCelery } from "./celery.js";
import {
  asDockerfile,
  type Configuration,
  type Corrections,
  FILE,
  readConfiguration,
} from "./configuration.js";
import { type Declared, declare } from "./declared.js";
import { type Dependencies, findDependencies } from "./dependencies.js";
import { findDjango } from "./django-version.js";
import { chooseServer, entryFile, findApplication } from "./entry-points.js";
import { findEnvironmentNames } from "./environment-names.js";
import { byDefault, type Fact } from "./fact.js";
import { Files, folderOf, withParents } from "./files.js";
import type { Folder } from "./folder.js";
import { findFrontend } from "./frontend.js";
import { findManage } from "./manage.js";
import { Modules } from "./modules.js";
import { byName, extrasByName } from "./packages.js";
import { findProblems } from "./problems.js";
import { findProcesses, findRelease } from "./processes.js";
import type { Project } from "./project.js";
import { findPython } from "./python-version.js";
import { findServices, lacksClient } from "./services.js";
import {
  findProductionSettings,
  findSettings,
  readSettings,
  remarkTests,
  type SettingsFile,
} from "./settings.js";
import { findTestDependencies } from "./test-dependencies.js";
import { chooseRunner, readPytest } from "./test-runner.js";

/** What every further step needs. */
interface Context {
  files: Files;
  given: Corrections;
  modules: Modules;
  dependencies: Dependencies;
  /** Production's packages, and those for tests. */
  declared: Declared[];
  packages: Project["pythonPackages"];
}

/**
 * Finds out from its files what a Django project is. stackline.json, if there is one, has the last word.
 * @throws Error, one line, if there is not exactly one manage.py, or a file that matters cannot be parsed.
 */
export async function detect(folder: Folder): Promise<Project> {
  const files = new Files(folder);
  const given = await readConfiguration(files);
  const manage = given.fact("manage") ?? (await findManage(files));
  const modules = new Modules(files, folderOf(manage.value));
  const dependencies = await findDependencies(files, modules.folder, given.fact("dependencies"));
  const tests = await findTestDependencies(files, dependencies, given.fact("testDependencies"));
  const added = await declare(FILE, given.content, given.values.requirements ?? []);
  const declared = [...dependencies.main, ...tests.packages, ...added];
  const context = { files, given, modules, dependencies, declared, packages: byName(declared) };
  const settings = await settingsOf(context, manage.value);
  const read = await readSettings(files, modules, [
    settings.settings.value,
    settings.productionSettings.value,
  ]);
  const django = await findDjango(files, declared, dependencies.lock, read);
  const python = await findPython(files, modules.folder, dependencies.manifest, django?.value);
  const ofTests = await readSettings(files, modules, [settings.testSettings.value]);
  const uses = findServices(context.packages, extrasByName(declared), [...read, ...ofTests]);
  const remarks =
    settings.testSettings === settings.settings ? remarkTests(modules, settings.testSettings) : [];
  const frontend =
    given.values.frontend === false ? undefined : (given.fact("frontend") ?? (await findFrontend(files)));
  const parallel = given.fact("parallel");
  return {
    manage,
    ...settings,
    ...(await entryPointsOf(context, read)),
    python: given.fact("python") ?? python,
    ...(django && { django }),
    manager: given.fact("manager") ?? dependencies.manager,
    dependencies: dependencies.files,
    testDependencies: tests.names,
    testsAreComplete:
      tests.packages.some(({ name }) => name === "django") && !lacksClient(dependencies.main, tests.packages),
    ...(dependencies.manifest && { manifest: dependencies.manifest.file }),
    pythonPackages: context.packages,
    extras: extrasByName(declared),
    services: given.values.services?.map((name) => given.of(name, "services")) ?? uses.services,
    ...dockerfilesOf(given),
    ...(parallel && { parallel }),
    ...(frontend && { frontend: frontend as NonNullable<Project["frontend"]> }),
    environmentNames: await findEnvironmentNames(files, modules.folder),
    environment: mapped(given, "environment"),
    requirements: (given.values.requirements ?? []).map((name) => given.of(name, "requirements")),
    packages: (given.values.packages ?? []).map((name) => given.of(name, "packages")),
    notes: [...uses.notes, ...remarks],
    problems: await findProblems(
      context,
      given.fact("python") ?? python,
      settings.settings,
      given.values.services ? { ...uses, problems: [] } : uses,
    ),
  };
}

/** Tests run in production's image, unless they have one of their own. */
function dockerfilesOf(given: Corrections): Pick<Project, "dockerfile" | "testDockerfile"> {
  const named = (["dockerfile", "testDockerfile"] as const).flatMap((name) => {
    const value = given.values[name];
    return value === undefined ? [] : [[name, given.of(asDockerfile(value), name)] as const];
  });
  return Object.fromEntries(named);
}

type Settings = Pick<Project, "settings" | "testSettings" | "productionSettings" | "testRunner">;

async function settingsOf({ files, given, modules, packages }: Context, manage: string): Promise<Settings> {
  const managed = await findSettings(files, modules, manage);
  const settings = given.fact("settings") ?? managed.settings;
  const first = await readSettings(files, modules, [settings.value]);
  const entries = (["wsgi", "asgi"] as const).map((server) => entryFile(files, modules, first, server));
  const pytest = await readPytest(files, modules, withParents(modules.folder));
  const testRunner = given.fact("testRunner") ?? chooseRunner(packages, pytest);
  const ofRunner = testRunner.value === "pytest" ? pytest?.settings : managed.tests;
  return {
    settings,
    testSettings: given.fact("testSettings") ?? ofRunner ?? settings,
    productionSettings:
      given.fact("productionSettings") ?? (await findProductionSettings(files, modules, entries, settings)),
    testRunner,
  };
}

type EntryPoints = Pick<Project, "wsgi" | "asgi" | "server" | "celery" | "processes" | "release">;

async function entryPointsOf(context: Context, settings: SettingsFile[]): Promise<EntryPoints> {
  const { files, given, modules, packages } = context;
  const [wsgi, asgi] = await Promise.all(
    (["wsgi", "asgi"] as const).map(async (server) =>
      corrected(given, server, await findApplication(files, modules, settings, server)),
    ),
  );
  const application = wsgi ?? (asgi ? undefined : byDefault("django.core.wsgi:get_wsgi_application()"));
  const celery = corrected(given, "celery", await findCelery(files, modules, settings));
  const processes = await findProcesses(files, modules.folder, celery, packages, settings);
  const release = given.fact("release") ?? (await findRelease(files, modules.folder));
  return {
    ...(application && { wsgi: application }),
    ...(asgi && { asgi }),
    server: given.fact("server") ?? chooseServer(wsgi, asgi, packages),
    ...(celery && { celery }),
    processes: merged(processes, mapped(given, "processes")),
    ...(release && { release }),
  };
}

function corrected(
  given: Corrections,
  name: "wsgi" | "asgi" | "celery",
  detected: Fact<string> | undefined,
): Fact<string> | undefined {
  const value = given.values[name];
  if (value === false) return undefined;
  return value === undefined ? detected : given.of(value, name);
}

/** The values of an object in stackline.json. */
function mapped<K extends "environment" | "processes">(given: Corrections, key: K) {
  const entries = Object.entries(given.values[key] ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, given.of(value, name)])) as Record<
    string,
    Fact<NonNullable<Configuration[K]>[string]>
  >;
}

/** `false` removes what was detected. */
function merged(
  detected: Record<string, Fact<string>>,
  corrections: Record<string, Fact<string | false>>,
): Record<string, Fact<string>> {
  const entries = Object.entries({ ...detected, ...corrections });
  return Object.fromEntries(
    entries.filter((entry): entry is [string, Fact<string>] => entry[1].value !== false),
  );
}
