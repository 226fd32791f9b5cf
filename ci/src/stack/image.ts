import type { Container, Directory, Platform, Secret } from "@dagger.io/dagger";
import { checkApplication } from "./application.js";
import { mountNetrc, nameNetrc } from "./netrc.js";

/** Stages of app/Dockerfile that the pipeline uses. */
export type Stage = "test" | "runtime";

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
  await checkApplication(app);
  const options = { target: stage, ...(platform && { platform: platform as Platform }) };
  if (!netrc) return app.dockerBuild(options);
  const dockerfile = mountNetrc(await app.file("Dockerfile").contents());
  return app
    .withNewFile("Dockerfile", dockerfile)
    .dockerBuild({ ...options, secrets: [await nameNetrc(netrc)] });
}
