import type { Directory } from "@dagger.io/dagger";
import { installed } from "../packaging/build-arguments.js";
import { detect } from "../project/detect.js";
import { directoryFolder } from "../project/folder.js";
import { requireSupported } from "../project/problems.js";
import { type Project, type Service, services } from "../project/project.js";
import { checkRequirements } from "./requirements.js";

/** Each folder is looked at once in a call. */
const known = new WeakMap<Directory, Promise<Project>>();

/**
 * What is known of a project, after a check of everything that can be checked before something is built or started.
 * @throws Error, one line, with what is missing or not supported, and with file and line for a fault in the requirements.
 */
export function readProject(app: Directory): Promise<Project> {
  const reading = known.get(app) ?? read(app);
  known.set(app, reading);
  return reading;
}

async function read(app: Directory): Promise<Project> {
  const project = await detect(await directoryFolder(app));
  requireSupported(project);
  if (!project.dockerfile) installed(project);
  const files = [...project.dependencies.value, ...project.testDependencies.value];
  await checkRequirements(
    app,
    files.filter((name) => /\.(txt|in|pip)$/.test(name)),
  );
  return project;
}

/** The services that a project uses. One of the contract in app/README.md may use all of them, from any of its files. */
export function usedBackends(project: Project): Service[] {
  return isOfContract(project) ? [...services] : project.services.map(({ value }) => value);
}

/** Whether the project has the names that the contract fixes; then its tests may need a running worker, too. */
export function isOfContract({ wsgi }: Project): boolean {
  return wsgi?.value === "devops_001.wsgi:application";
}

/** @throws Error, one line, for a project whose data would be lost with its container. */
export function requireDeployable(project: Project): void {
  if (usedBackends(project).includes("postgres")) return;
  throw new Error(
    'a deploy needs PostgreSQL, and no requirement of this project is a driver for it: add psycopg to its dependencies, or "services": ["postgres"] to stackline.json',
  );
}
