import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where pyenv keeps its installations, each in a folder with its version's name. */
export const versionsDir = (): string =>
  join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");

/** The newest CPython that pyenv has installed of a major or minor version: 3.8.18 for "3.8". */
export function installedPython(version: string, versions = pyenvVersions()): string | undefined {
  const fitting = versions.filter((name) => /^\d+\.\d+\.\d+$/.test(name) && name.startsWith(`${version}.`));
  return fitting.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
}

/** The newest installed Python 3, to run programs on this machine. */
export function hostPython(): string | undefined {
  const newest = installedPython("3");
  return newest && join(versionsDir(), newest, "bin", "python3");
}

const pyenvVersions = (): string[] => (existsSync(versionsDir()) ? readdirSync(versionsDir()) : []);
