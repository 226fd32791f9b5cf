import type { Directory } from "@dagger.io/dagger";

/** The files of a project, as detection sees them. */
export interface Folder {
  /** Every file, relative to the folder, with "/" between the parts. */
  paths: readonly string[];
  read(path: string): Promise<string>;
}

/** Dagger's directory. Lists it once; a file is read when detection asks for it. */
export async function directoryFolder(directory: Directory): Promise<Folder> {
  const entries = await directory.glob("**/*");
  return {
    paths: entries.filter((path) => !path.endsWith("/")),
    read: (path) => directory.file(path).contents(),
  };
}

/** Folders of other people's code and of generated files, in which nothing belongs to the project. */
const foreign = new Set([
  ".git",
  ".hg",
  ".tox",
  ".nox",
  ".eggs",
  ".venv",
  "venv",
  "virtualenv",
  ".virtualenv",
  "node_modules",
  "bower_components",
  "site-packages",
  "dist-packages",
  "__pycache__",
  "__pypackages__",
  ".direnv",
  ".terraform",
]);

/**
 * The paths that belong to the project: none in a virtual environment, whatever its name, in installed packages, or in the
 * folder that `adopt` writes for docker-compose.yml.
 */
export function ownPaths(paths: readonly string[]): string[] {
  const marker = /(^|\/)(pyvenv\.cfg|conda-meta\/history|(?<=^ci\/image\/)own-image)$/;
  const environments = paths
    .filter((path) => marker.test(path))
    .map((path) => path.replace(marker, "/"))
    .filter((path) => path !== "/");
  return paths.filter(
    (path) =>
      !path
        .split("/")
        .slice(0, -1)
        .some((part) => foreign.has(part)) && !environments.some((folder) => path.startsWith(folder)),
  );
}
