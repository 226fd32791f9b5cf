import type { Directory } from "@dagger.io/dagger";
import { imageFiles, programsFor } from "../packaging/context.js";
import { directoryFolder } from "../project/folder.js";
import type { Project } from "../project/project.js";
import { releaseFiles } from "../site/release.js";
import { readProject, requireDeployable } from "../stack/project.js";
import { adoptedTexts, configured } from "./files.js";
import { parseRunners, runners } from "./runner.js";

export interface Adoption {
  /** The repository that adopts the files. */
  source: Directory;
  /** The files of this repository. */
  stack: Directory;
  /** Git address of this module. */
  module: string;
  /** Names of CI runners; all if there are none. */
  runners: readonly string[];
  /** Whether to overwrite files that have other contents. */
  force: boolean;
}

/** What a repository takes over as it is. */
const copied = [
  ...releaseFiles,
  "environments/schema.json",
  "scripts/install-dagger",
  "scripts/lib/setup.sh",
  "scripts/lib/reads-variable",
  "scripts/host/lib/names.sh",
];

/**
 * The files of the stack for a repository of its own, tailored to its project.
 * @throws Error, one line, for a project that cannot be deployed, and with the names of files that would be overwritten.
 */
export async function adopt({ source, stack, module, runners: names, force }: Adoption): Promise<Directory> {
  const chosen = parseRunners(names);
  const project = await readProject(source);
  requireDeployable(project);
  const { paths } = await directoryFolder(source);
  const read = async (path: string): Promise<string> =>
    (await stack.file(path).contents()).replaceAll("\r\n", "\n");
  const texts = await adoptedTexts({ project, module, runners: chosen, read });
  for (const path of configured) if (paths.includes(path)) delete texts[path];
  const files = Object.entries(texts).reduce(
    (folder, [path, text]) =>
      folder.withNewFile(path, text, { permissions: text.startsWith("#!") ? 0o755 : 0o644 }),
    withImage(stack.filter({ include: copied, exclude: ["nginx/maintenance/on"] }), project),
  );
  if (!force) await refuseToOverwrite(source, paths, files);
  return files;
}

/** These programs are no business of the project's linter. */
const unlinted = `# Written by adopt.\nexclude = ["*"]\n`;

/** What docker-compose.yml builds with, unless the project has a Dockerfile of its own. */
function withImage(files: Directory, project: Project): Directory {
  if (project.dockerfile) return files;
  return files.withDirectory(imageFiles, programsFor(project).withNewFile("ruff.toml", unlinted));
}

async function refuseToOverwrite(
  source: Directory,
  present: readonly string[],
  files: Directory,
): Promise<void> {
  const both = (await files.glob("**/*")).filter((path) => present.includes(path));
  const differs = await Promise.all(
    both.map(async (path) => (await source.file(path).contents()) !== (await files.file(path).contents())),
  );
  const names = both.filter((_, i) => differs[i]);
  if (names.length > 0) throw new Error(refusal(names));
}

/** How many files a message names. */
const MOST = 12;

/** @param names of files with other contents. */
export function refusal(names: readonly string[]): string {
  const more = names.length > MOST ? ` and ${names.length - MOST} more` : "";
  const isRunner = (name: string): boolean => Object.values<string>(runners).includes(name);
  const remedy = names.some(isRunner) ? "; --runner=NAME writes the file of that CI runner alone" : "";
  return `adopt would overwrite ${names.slice(0, MOST).join(", ")}${more}: move them away, or overwrite them with --force${remedy}`;
}
