import type { Fact } from "./fact.js";
import { type Files, lineOf } from "./files.js";
import {
  type Dockerfile,
  type Frontend,
  isProcesses,
  type Manager,
  managers,
  mostProcesses,
  type Server,
  type Service,
  servers,
  services,
  type TestRunner,
  testRunners,
} from "./project.js";

export const FILE = "stackline.json";

/** What stackline.json may correct or add. `false` says that there is none. */
export interface Configuration {
  manage?: string;
  settings?: string;
  testSettings?: string;
  productionSettings?: string;
  wsgi?: string | false;
  asgi?: string | false;
  server?: Server;
  celery?: string | false;
  python?: string;
  manager?: Manager;
  dependencies?: string[];
  testDependencies?: string[];
  testRunner?: TestRunner;
  parallel?: number;
  services?: Service[];
  processes?: Record<string, string | false>;
  release?: string[];
  frontend?: Frontend | false;
  dockerfile?: string | Dockerfile;
  testDockerfile?: string | Dockerfile;
  environment?: Record<string, string>;
  packages?: string[];
  requirements?: string[];
}

interface Field {
  isValid(value: unknown): boolean;
  /** Completes "... must be". */
  rule: string;
  /** Values to choose from, for the nearest one to a misspelt value. */
  choices?: readonly string[];
}

const matching = (pattern: RegExp, rule: string): Field => ({
  isValid: (value) => typeof value === "string" && pattern.test(value),
  rule,
});
const choice = (choices: readonly string[]): Field => ({
  isValid: (value) => choices.includes(value as string),
  rule: `one of ${choices.join(", ")}`,
  choices,
});
const orFalse = ({ isValid, rule }: Field): Field => ({
  isValid: (value) => value === false || isValid(value),
  rule: `${rule}, or false for none`,
});
const listOf = (field: Field, rule: string): Field => ({
  ...field,
  isValid: (value) => Array.isArray(value) && value.every(field.isValid),
  rule,
});
const mapOf = (key: RegExp, field: Field, rule: string): Field => ({
  isValid: (value) =>
    isObject(value) && Object.entries(value).every(([name, item]) => key.test(name) && field.isValid(item)),
  rule,
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const inFolder = /^(?!\/)(?!(.*\/)?\.\.(\/|$))[^\\\n]+$/;
const module = matching(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/, 'a Python module such as "mysite.settings"');
const application = orFalse(
  matching(
    /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\(\))?$/,
    'an object in a module such as "mysite.wsgi:application"',
  ),
);
const requirement = /^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?([<>=!~]=?[A-Za-z0-9.*+!,<>=~-]+)?$/;
const line = matching(/^[^\n\r]+$/, "a text of one line");
const dependency = matching(inFolder, "");
const dockerfileRule =
  'the path of a Dockerfile in the project, or an object such as {"path": "Dockerfile", "stage": "production", "args": {}}';
const sets = 'a list of files in the project, "group:NAME" and "extra:NAME"';

/** The same rules as ci/stackline.schema.json, which editors use; a test compares the two. */
export const fields: Record<keyof Configuration, Field> = {
  manage: matching(
    /^(?!\/)(?!(.*\/)?\.\.(\/|$))(.*\/)?[^/]+\.py$/,
    'the path of a file in the project such as "src/manage.py"',
  ),
  settings: module,
  testSettings: module,
  productionSettings: module,
  wsgi: application,
  asgi: application,
  server: choice(servers),
  celery: application,
  python: matching(/^3\.\d+(\.\d+)?$/, 'a version such as "3.12" or "3.12.4"'),
  manager: choice(managers),
  dependencies: listOf(dependency, sets),
  testDependencies: listOf(dependency, sets),
  testRunner: choice(testRunners),
  parallel: {
    isValid: (value) => isProcesses(value as number),
    rule: `a number of processes up to ${mostProcesses}, or 0 for one for each processor`,
  },
  services: listOf(choice(services), `a list of ${services.join(", ")}`),
  processes: mapOf(
    /^[a-z][a-z0-9-]{0,30}$/,
    orFalse(line),
    "an object of commands by name, or false to leave one out",
  ),
  release: listOf(
    line,
    'a list of commands such as ["migrate", "python manage.py loaddata pages"], in which "migrate" stands for the migrations',
  ),
  frontend: orFalse({
    isValid: isFrontend,
    rule: 'an object such as {"folder": "frontend", "manager": "npm", "script": "build"}',
  }),
  dockerfile: { isValid: isDockerfile, rule: dockerfileRule },
  testDockerfile: { isValid: isDockerfile, rule: dockerfileRule },
  environment: mapOf(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    matching(/^[^\n\r]*$/, ""),
    "an object of texts by the names of environment variables",
  ),
  packages: listOf(matching(/^[a-z0-9][a-z0-9.+-]*$/, ""), 'a list of Debian packages such as "gdal-bin"'),
  requirements: listOf(
    matching(requirement, ""),
    'a list of Python packages such as "setuptools<81", without spaces',
  ),
};

function isDockerfile(value: unknown): boolean {
  if (!isObject(value)) return dependency.isValid(value);
  const { path, stage = "x", args = {}, ...others } = value;
  return (
    dependency.isValid(path) &&
    typeof stage === "string" &&
    /^[A-Za-z0-9][\w.-]*$/.test(stage) &&
    fields.environment.isValid(args) &&
    Object.keys(others).length === 0
  );
}

function isFrontend(value: unknown): boolean {
  if (!isObject(value) || Object.keys(value).sort().join() !== "folder,manager,script") return false;
  const { folder, manager, script } = value;
  return (
    typeof folder === "string" &&
    inFolder.test(folder) &&
    typeof script === "string" &&
    script !== "" &&
    ["npm", "yarn", "pnpm", "bun"].includes(manager as string)
  );
}

/** A path stands for the last stage. */
export const asDockerfile = (value: string | Dockerfile): Dockerfile =>
  typeof value === "string" ? { path: value } : value;

/** stackline.json's values as facts. */
export class Corrections {
  constructor(
    readonly values: Configuration,
    readonly content: string,
  ) {}

  /** A value as a fact, or undefined if stackline.json leaves it to detection. */
  fact<K extends keyof Configuration>(name: K): Fact<NonNullable<Configuration[K]>> | undefined {
    const value = this.values[name];
    return value === undefined ? undefined : this.of(value, name);
  }

  of<T>(value: T, key: string): Fact<T> {
    const line = lineOf(this.content, `"${key}"`);
    return { value, origin: "configured", file: FILE, ...(line !== undefined && { line }) };
  }
}

/**
 * Reads stackline.json, if the project has one.
 * @throws Error, one line, for invalid JSON, an unknown name, an invalid value and a file that does not exist.
 */
export async function readConfiguration(files: Files): Promise<Corrections> {
  if (!files.has(FILE)) return new Corrections({}, "");
  const [{ $schema, ...given }, content] = await Promise.all([files.json(FILE), files.text(FILE)]);
  for (const [name, value] of Object.entries(given)) {
    const field = Object.hasOwn(fields, name) ? fields[name as keyof Configuration] : undefined;
    const place = `${FILE}:${lineOf(content, `"${name}"`) ?? 1}`;
    if (!field)
      throw new Error(
        `${place}: there is no ${JSON.stringify(name)}: ${await nearest(name, Object.keys(fields))}`,
      );
    if (!field.isValid(value)) throw new Error(`${place}: ${await explain(name, value, field)}`);
  }
  const values = given as Configuration;
  requireFiles(files, values);
  return new Corrections(values, content);
}

async function explain(name: string, value: unknown, { rule, choices }: Field): Promise<string> {
  const wrong = [value].flat().find((item) => typeof item === "string" && !choices?.includes(item));
  const hint = choices && wrong !== undefined ? `: ${await nearest(wrong as string, choices)}` : "";
  return `${name} is ${JSON.stringify(value)}; it must be ${rule}${hint}`;
}

function requireFiles(
  files: Files,
  { manage, dependencies = [], testDependencies = [], dockerfile, testDockerfile }: Configuration,
): void {
  const dockerfiles = [dockerfile, testDockerfile].map((value) => value && asDockerfile(value).path);
  const named = [...dependencies, ...testDependencies].filter((name) => !/^(group|extra):/.test(name));
  const missing = [manage, ...named, ...dockerfiles].find((path) => path !== undefined && !files.has(path));
  if (missing !== undefined)
    throw new Error(`${FILE}: there is no file ${JSON.stringify(missing)} in the project`);
}

/** The known name that a misspelt one is nearest to, or all of them if none is near. */
async function nearest(name: string, known: readonly string[]): Promise<string> {
  const { closest, distance } = await import("fastest-levenshtein");
  const best = closest(
    name.toLowerCase(),
    known.map((item) => item.toLowerCase()),
  );
  const match = known.find((item) => item.toLowerCase() === best) as string;
  const isNear = distance(name.toLowerCase(), best) <= Math.max(2, name.length / 3);
  return isNear ? `did you mean ${JSON.stringify(match)}?` : `the names are ${known.join(", ")}`;
}
