import { folderOf } from "../project/files.js";
import type { Project } from "../project/project.js";
import { basesFor } from "./bases.js";
import { systemPackages } from "./system-packages.js";

/** Stages of ci/image/Dockerfile that the pipeline uses. */
export type Stage = "test" | "runtime";

type RunArgument = "FOLDER" | "SETTINGS" | "WSGI" | "ASGI" | "CELERY";

/** The arguments of ci/image/Dockerfile, by name. Where tests need no other packages, both stages share the installed ones. */
export function buildArguments(project: Project, stage: Stage): Record<string, string> {
  const { full, slim } = basesFor(project.python.value);
  const names = (stage === "test" ? installedForTests : installed)(project);
  return {
    FULL: full,
    SLIM: slim,
    PACKAGES: systemPackages(project).join(" "),
    DEPENDENCIES: [...names, ...project.requirements.map(({ value }) => value)].join(" "),
    ...runArguments(project, stage),
  };
}

/** Those that say how the project runs. */
export function runArguments(project: Project, stage: Stage): Record<RunArgument, string> {
  const isAsgi = project.server.value === "asgi";
  return {
    FOLDER: folderOf(project.manage.value) || ".",
    SETTINGS: (stage === "test" ? project.testSettings : project.productionSettings).value,
    WSGI: isAsgi ? "" : (project.wsgi?.value ?? ""),
    ASGI: isAsgi ? (project.asgi?.value ?? "") : "",
    CELERY: project.celery?.value ?? "",
  };
}

/**
 * What production installs. A project that declares nothing, as `django-admin startproject` leaves it, needs the Django that
 * generated it.
 * @throws Error, one line, if not even that is known.
 */
export function installed({ dependencies, django, manifest }: Project): string[] {
  if (dependencies.value.length > 0) return withManifest(dependencies.value, manifest);
  if (django) return [`Django~=${django.value}.0`];
  throw new Error(
    'no file declares the project\'s packages: write Django into requirements.txt, or name the file in stackline.json: {"dependencies": ["..."]}',
  );
}

/** What tests need in addition, or alone if that includes Django: requirements/test.txt with `-r base.txt`. */
function installedForTests(project: Project): string[] {
  const { testDependencies, testsAreComplete, manifest } = project;
  if (testsAreComplete) return withManifest(testDependencies.value, manifest);
  return [...installed(project), ...testDependencies.value];
}

/** In a workspace, the lock file is above the project's own manifest, which then says what is installed. */
function withManifest(names: readonly string[], manifest: string | undefined): string[] {
  const [lock = ""] = names;
  const isElsewhere =
    /(^|\/)uv\.lock$/.test(lock) && manifest !== undefined && folderOf(manifest) !== folderOf(lock);
  return isElsewhere ? [...names, manifest] : [...names];
}
