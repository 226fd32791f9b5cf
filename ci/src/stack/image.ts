import type { Container, Directory, Platform, Secret } from "@dagger.io/dagger";
import { buildArguments, type Stage } from "../packaging/build-arguments.js";
import { buildContext, dockerfile } from "../packaging/context.js";
import { withMounts } from "../packaging/mounts.js";
import { buildOwnImage } from "../packaging/own-image.js";
import { nameNetrc } from "./netrc.js";
import { readProject } from "./project.js";

/** What an image is built from. */
export interface Application {
  app: Directory;
  /** Logins for private package indexes, in netrc format. */
  netrc?: Secret | undefined;
}

/**
 * Builds the application's image up to a stage, after a check of its folder.
 * @param platform such as "linux/arm64"; by default the engine's own.
 */
export async function buildImage(
  { app, netrc }: Application,
  stage: Stage,
  platform?: string,
): Promise<Container> {
  const project = await readProject(app);
  const options = {
    ...(platform && { platform: platform as Platform }),
    ...(netrc && { secrets: [await nameNetrc(netrc)] }),
  };
  const own = (stage === "test" ? project.testDockerfile : undefined) ?? project.dockerfile;
  if (own) return buildOwnImage(app, project, own.value, stage, options);
  const context = buildContext(app, project);
  const text = await context.file(dockerfile).contents();
  return context.withNewFile(dockerfile, withMounts(text, netrc !== undefined)).dockerBuild({
    dockerfile,
    target: stage,
    buildArgs: Object.entries(buildArguments(project, stage)).map(([name, value]) => ({ name, value })),
    ...options,
  });
}
