import { type Declared, readRequirementsFile } from "./declared.js";
import { type Dependencies, localReader, packagesOf } from "./dependencies.js";
import { byDefault, type Fact, guessed, type Place } from "./fact.js";
import type { Files } from "./files.js";
import { testRequirements, testWords } from "./requirements-files.js";

/** Something that can be installed for tests: a file, a group or an extra. */
interface Candidate extends Place {
  /** "requirements/test.txt", "group:dev" or "extra:test". */
  name: string;
  packages: Declared[];
}

export interface TestDependencies {
  names: Fact<string[]>;
  packages: Declared[];
}

const runners = /^(pytest(-django|-cov|-xdist)?|factory-boy|coverage)$/;

/**
 * What tests need beyond production's packages: the first of the usual names, and what has pytest if that has not.
 */
export async function findTestDependencies(
  files: Files,
  dependencies: Dependencies,
  named: Fact<string[]> | undefined,
): Promise<TestDependencies> {
  if (named) return { names: named, packages: await packagesOf(files, named.value, dependencies.manifest) };
  const candidates = await candidatesOf(files, dependencies);
  const has = (name: string, packages: Declared[]): boolean => packages.some((item) => item.name === name);
  const isMissing = (name: string, taken: Candidate[]): boolean =>
    !has(name, dependencies.main) && !taken.some(({ packages }) => has(name, packages));
  const taken = candidates.filter(({ name }) => rank(name) >= 0).slice(0, 1);
  for (const runner of ["pytest-django", "pytest"]) {
    const holder = isMissing(runner, taken) && candidates.find(({ packages }) => has(runner, packages));
    if (holder) taken.push(holder);
  }
  const [first] = taken;
  if (!first) return { names: byDefault([]), packages: [] };
  const names = taken.map(({ name }) => name);
  return { names: guessed(names, first), packages: taken.flatMap(({ packages }) => packages) };
}

async function candidatesOf(
  files: Files,
  { files: main, folder, manifest }: Dependencies,
): Promise<Candidate[]> {
  const inManifest: Candidate[] = [];
  const add = (kind: string, sets: Record<string, Declared[]> = {}): void => {
    for (const [name, packages] of Object.entries(sets))
      if (name !== manifest?.mainGroup)
        inManifest.push({
          name: `${kind}:${name}`,
          packages,
          file: manifest?.file ?? "",
          line: packages[0]?.line,
        });
  };
  add("group", manifest?.groups);
  add("extra", manifest?.extras);
  inManifest.sort((a, b) => order(a) - order(b));
  // Files that pip-compile wrote of a group are older than the lock file of another program.
  const usesFiles = main.value.some((name) => /\.(txt|in|pip)$/.test(name));
  const paths =
    usesFiles || manifest?.main === undefined ? await testRequirements(files, folder, main.value[0]) : [];
  const inFiles = await Promise.all(
    paths.map(async (path) => ({
      name: path,
      file: path,
      packages: await readRequirementsFile(files, path, localReader(files, manifest)),
    })),
  );
  return [...inFiles, ...inManifest];
}

const bare = (name: string): string => name.replace(/^(group|extra):/, "").toLowerCase();
/** Files have been chosen by name already. */
const rank = (name: string): number =>
  name.includes(":")
    ? testWords.findIndex((word) => new RegExp(`(^|[-_])${word}s?([-_]|$)`).test(bare(name)))
    : 0;

function order({ name, packages }: Candidate): number {
  const place = rank(name);
  const known = place < 0 ? testWords.length : place;
  return known - (packages.some((item) => runners.test(item.name)) ? 0.5 : 0);
}
