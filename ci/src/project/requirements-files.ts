import { posix } from "node:path";
import { includedFiles } from "./declared.js";
import type { Files } from "./files.js";
import { parseRequirements } from "./requirements.js";

/** Names of what production installs; the first that exists is taken. */
const mainNames = [
  "requirements.txt",
  ...[
    "production",
    "prod",
    "base",
    "main",
    "common",
    "requirements",
    "default",
    "app",
    "core",
    "deploy",
    "pip",
  ].flatMap((name) => [
    `requirements/${name}.txt`,
    `requirements-${name}.txt`,
    `requirements_${name}.txt`,
    `reqs/${name}.txt`,
  ]),
  "reqs.txt",
  "requirements.pip",
  "requirements.in",
  "requirements/base.in",
  "requirements/requirements.in",
];

/** What tests need, in the order of preference. The same words name groups and extras. */
export const testWords = [
  "test",
  "tests",
  "testing",
  "dev",
  "devel",
  "develop",
  "development",
  "local",
  "ci",
];
const isForDevelopment = (path: string): boolean =>
  new RegExp(`(^|[/_.-])(${testWords.join("|")})([_.-]|$)`, "i").test(path.replace(/\.(txt|in|pip)$/, ""));

/** The requirements file that production installs, in a folder: by its name, else the first that names Django. */
export async function mainRequirements(files: Files, folder: string): Promise<string | undefined> {
  const present = mainNames.map((name) => posix.join(folder, name)).filter((path) => files.has(path));
  for (const path of present) {
    if (!(await onlyIncludesDevelopment(files, path))) return path;
  }
  return present[0] ?? (await otherRequirements(files, folder));
}

async function otherRequirements(files: Files, folder: string): Promise<string | undefined> {
  const places = [posix.join(folder, "."), posix.join(folder, "requirements")];
  const paths = files
    .named(/require.*\.txt$/i)
    .concat(files.paths.filter((path) => /(^|\/)requirements\/[^/]+\.txt$/.test(path)));
  const inPlace = paths.filter((path) => places.includes(posix.dirname(path)));
  const ordered = [...inPlace.filter((path) => !isForDevelopment(path)), ...inPlace.filter(isForDevelopment)];
  for (const path of new Set(ordered)) if (/^django\b/im.test(await files.text(path))) return path;
  return undefined;
}

/** Whether a file is nothing but "-r requirements/dev.txt". */
async function onlyIncludesDevelopment(files: Files, path: string): Promise<boolean> {
  const { paths, requirements } = parseRequirements(await files.text(path));
  const named = paths.filter(({ isFile }) => isFile);
  return (
    requirements.length === 0 && named.length > 0 && named.every(({ path: name }) => isForDevelopment(name))
  );
}

/** Requirements files for tests in a folder, without those that the main one includes; the preferred ones first. */
export async function testRequirements(
  files: Files,
  folder: string,
  main: string | undefined,
): Promise<string[]> {
  const known = main === undefined ? new Set<string>() : await includedFiles(files, main);
  const shapes = [
    "requirements/W",
    "requirements-W",
    "requirements_W",
    "requirements.W",
    "W-requirements",
    "W_requirements",
    "requirements/requirements-W",
    "requirements/requirements_W",
    "requirements/W-requirements",
    "reqs/W",
  ];
  const names = testWords.flatMap((word) => shapes.map((shape) => `${shape.replace("W", word)}.txt`));
  return names.map((name) => posix.join(folder, name)).filter((path) => files.has(path) && !known.has(path));
}
