import type { Declared } from "./declared.js";
import type { Dependencies } from "./dependencies.js";
import { describePlace, type Fact } from "./fact.js";
import type { Files } from "./files.js";
import { outdatedLock, outdatedRequirements } from "./lock.js";
import { windowsPackage } from "./packages.js";
import { unsupportedPython } from "./python-version.js";
import type { Uses } from "./services.js";

interface Context {
  files: Files;
  dependencies: Dependencies;
  declared: Declared[];
}

/** Why a project is not supported, one line for each reason. */
export async function findProblems(
  { files, dependencies, declared }: Context,
  python: Fact<string>,
  settings: Fact<string>,
  uses: Uses,
): Promise<string[]> {
  const problems: (string | undefined)[] = [...uses.problems];
  if (settings.value === "") {
    problems.push('no settings module was found: name it in stackline.json: {"settings": "mysite.settings"}');
  }
  const version = unsupportedPython(python);
  if (version) problems.push(python.file === undefined ? version : `${describePlace(python)}: ${version}`);
  const windows = windowsPackage(declared);
  if (windows) {
    const marker = `"${windows.name}; sys_platform == 'win32'"`;
    problems.push(
      `${describePlace(windows)}: ${windows.name} exists for Windows only: remove it or write ${marker}`,
    );
  }
  problems.push(...(await ofDependencies(files, dependencies)));
  return problems.filter((problem) => problem !== undefined);
}

async function ofDependencies(
  files: Files,
  { lock, manifest, files: named }: Dependencies,
): Promise<(string | undefined)[]> {
  if (lock) return [await outdatedLock(files, lock, manifest)];
  const [first] = named.value;
  if (first?.endsWith(".txt")) return [await outdatedRequirements(files, first)];
  const [conda] = first === undefined ? files.named(/^environment\.ya?ml$/) : [];
  return [
    conda &&
      `${conda}: Conda is not supported: declare the dependencies in pyproject.toml or requirements.txt`,
  ];
}

/** @throws Error with the first problem, if there is one. */
export function requireSupported({ problems: [first] }: { problems: string[] }): void {
  if (first !== undefined) throw new Error(first);
}
