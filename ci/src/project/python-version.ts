import { pythonFor } from "./django-version.js";
import { byDefault, type Fact, found, guessed, type Place } from "./fact.js";
import { dockerfile, type Files, lineOf, withParents } from "./files.js";
import { type Manifest, tableAt } from "./manifests.js";
import { satisfies } from "./specifiers.js";
import { testedVersion } from "./tested-version.js";

/** Minor versions of Python 3 that images exist for. */
const OLDEST = 8;
const NEWEST = 14;
/** What the application of this repository runs on. */
const DEFAULT = "3.8.5";
/** For a Django that no longer runs on the default: every version from 4.2 to 6.0 supports it. */
const MODERN = 12;

/** Python's version: that of a file for this purpose, else of a Dockerfile, else the oldest that the project allows. */
export async function findPython(
  files: Files,
  folder: string,
  manifest: Manifest | undefined,
  django: string | undefined,
): Promise<Fact<string>> {
  const folders = withParents(folder);
  const pinned = await pinnedVersion(files, folders);
  if (pinned) return pinned;
  const image = await imageVersion(files, folders);
  const range = manifest?.python;
  if (range === undefined)
    return image ?? (await testedVersion(files, folders, django, OLDEST)) ?? defaultFor(django);
  if (image && (await allows(range.specifier, image.value))) return image;
  return oldestIn(range, django);
}

/** .python-version, runtime.txt and .tool-versions say nothing else. */
async function pinnedVersion(files: Files, folders: string[]): Promise<Fact<string> | undefined> {
  const patterns: [name: string, pattern: RegExp][] = [
    [".python-version", /^\s*(?:c?python-?)?(\d+\.\d+(?:\.\d+)?)\s*(?:#.*)?$/im],
    ["runtime.txt", /^\s*python-?(\d+\.\d+(?:\.\d+)?)\s*$/im],
    [".tool-versions", /^python\s+(\d+\.\d+(?:\.\d+)?)/m],
  ];
  for (const [name, pattern] of patterns) {
    const path = files.firstOf(folders, [name]);
    const text = path ? await files.text(path) : "";
    const [match = "", version] = pattern.exec(text) ?? [];
    if (path && version) return found(version, { file: path, line: lineOf(text, match.trim()) });
  }
  const mise = files.firstOf(folders, ["mise.toml", ".mise.toml"]);
  const version = mise && tableAt(await files.toml(mise), "tools").python;
  return typeof version === "string" && /^\d+\.\d+/.test(version)
    ? found(version, { file: mise as string })
    : undefined;
}

/** The first `FROM python:3.12-slim` of the nearest Dockerfiles, with the default of an ARG in it. */
async function imageVersion(files: Files, folders: string[]): Promise<Fact<string> | undefined> {
  const isNear = (path: string): boolean => folders.includes(path.split("/").slice(0, -1).join("/"));
  const all = files.named(dockerfile);
  const isHidden = (path: string): boolean => /(^|\/)\./.test(path);
  const far = all.filter((path) => !isNear(path));
  // That of an editor's container, such as .devcontainer/Dockerfile, comes last.
  const ordered = [...all.filter(isNear), ...far.filter((path) => !isHidden(path)), ...far.filter(isHidden)];
  for (const path of ordered) {
    const text = await files.text(path);
    const args = new Map(
      [...text.matchAll(/^ARG\s+(\w+)=["']?([^\s"']+)/gim)].map(([, name, value]) => [name, value]),
    );
    for (const [line, image = ""] of text.matchAll(/^FROM\s+(?:--\S+\s+)?(\S+)/gim)) {
      const full = image.replace(
        /\$\{?(\w+)(?::-([^}]*))?\}?/g,
        (_, name, fallback) => args.get(name) ?? fallback ?? "",
      );
      const [, version] =
        /(?:^|\/)python:(\d+\.\d+(?:\.\d+)?)/.exec(full) ?? /[:-]python-?(\d\.\d+)/.exec(full) ?? [];
      if (version) return found(version, { file: path, line: lineOf(text, line) });
    }
  }
  return undefined;
}

async function allows(specifier: string, version: string): Promise<boolean> {
  // "3.12" is any patch of it.
  const patches = /^\d+\.\d+$/.test(version) ? [`${version}.0`, `${version}.99`] : [version];
  for (const alternative of specifier.split(" || "))
    for (const patch of patches) if (await satisfies(patch, alternative)) return true;
  return false;
}

/** The oldest version of a range is the one that its lock file is sure to support; Django may need a newer one. */
async function oldestIn(
  range: Place & { specifier: string },
  django: string | undefined,
): Promise<Fact<string>> {
  const [, exact] = /^===?\s*(3\.\d+\.\d+)$/.exec(range.specifier) ?? [];
  if (exact) return found(exact, range);
  const allowed: number[] = [];
  for (let minor = 6; minor <= NEWEST + 3; minor++)
    if (await allows(range.specifier, `3.${minor}`)) allowed.push(minor);
  const { oldest } = pythonFor(django);
  const least = Math.max(oldest, OLDEST);
  const minor = allowed.find((item) => item >= least) ?? allowed.at(-1);
  if (minor === undefined) return guessed(range.specifier, range);
  return allowed.length === 1 ? found(`3.${minor}`, range) : guessed(`3.${minor}`, range);
}

function defaultFor(django: string | undefined): Fact<string> {
  return byDefault(pythonFor(django).oldest > OLDEST ? `3.${MODERN}` : DEFAULT);
}

/** Why a Python version is not supported, or undefined. */
export function unsupportedPython({ value }: Fact<string>): string | undefined {
  const [, minor] = /^3\.(\d+)(\.\d+)?$/.exec(value) ?? [];
  if (minor !== undefined && Number(minor) >= OLDEST && Number(minor) <= NEWEST) return undefined;
  return `Python ${value} is not supported: versions 3.${OLDEST} to 3.${NEWEST} are`;
}
