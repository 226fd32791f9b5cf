import { type Directory, dag } from "@dagger.io/dagger";
import type { Project } from "../project/project.js";
import { buildFrontend } from "./frontend.js";

/** Where the files of the image are in the build context; this repository has them at the same path. */
export const imageFiles = "ci/image";
export const dockerfile = `${imageFiles}/Dockerfile`;

/** Files of the module that images are built and verified with. */
export const imageFolder = (): Directory => dag.currentModule().source().directory("image");

/** The build context: the project in app/, the files of the image in ci/image/. */
export function buildContext(app: Directory, project: Project): Directory {
  return dag
    .directory()
    .withDirectory("app", buildFrontend(app, project), { exclude: generated })
    .withDirectory(imageFiles, programsFor(project));
}

/** The same files with the variables that stackline.json adds. */
export function programsFor({ environment }: Project): Directory {
  const variables = Object.entries(environment).map(([name, { value }]) => [name, value]);
  return imageFolder()
    .filter({ exclude: ["**/__pycache__"] })
    .withNewFile("environment.json", JSON.stringify(Object.fromEntries(variables)));
}

/** What people's programs generate: in an image it would be in the way of its own. */
export const generated = [
  ".git",
  "**/node_modules",
  "**/.venv",
  "venv",
  "**/__pycache__",
  "**/*.py[cod]",
  ".tox",
  ".coverage*",
  "htmlcov",
  "**/.*_cache",
  "*.log",
  "*.sqlite3",
  "*.sqlite3-journal",
];
