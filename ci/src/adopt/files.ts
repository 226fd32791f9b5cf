import type { Project } from "../project/project.js";
import { COMPOSE, tailor, tailoringFor } from "../site/compose-file.js";
import { developmentCompose, dockerignore, nameOf } from "./compose.js";
import { configuration, exampleEnvironment } from "./configuration.js";
import { guide } from "./guide.js";
import { adoptRunner } from "./runner.js";

/** Configuration that people write: what is there stays, whatever it contains. */
export const configured = [
  "stackline.json",
  "environments/prod.json",
  "environments/staging.json",
  ".dockerignore",
];

export interface Plan {
  project: Project;
  /** Git address of this module. */
  module: string;
  /** Paths of the runners' files. */
  runners: readonly string[];
  /** Reads a file of this repository. */
  read(path: string): Promise<string>;
}

/** The files that depend on the project, by path. */
export async function adoptedTexts({
  project,
  module,
  runners,
  read,
}: Plan): Promise<Record<string, string>> {
  const ofRunners = runners.map(async (path) => [path, adoptRunner(await read(path), module)]);
  return {
    "STACKLINE.md": guide(project, module, runners),
    "stackline.json": configuration(project, module),
    "docker-compose.yml": developmentCompose(await read("docker-compose.yml"), project),
    [COMPOSE]: tailor(await read(COMPOSE), tailoringFor(project, {})),
    ".dockerignore": dockerignore,
    "environments/prod.json": exampleEnvironment(project, "prod"),
    "environments/staging.json": exampleEnvironment(project, "staging"),
    "scripts/secrets": (await read("scripts/secrets")).replaceAll("devops_001", nameOf(project)),
    ...Object.fromEntries(await Promise.all(ofRunners)),
  };
}
