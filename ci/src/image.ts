import type { Container, Directory } from "@dagger.io/dagger";

/** Stages of app/Dockerfile that something here uses. */
export type Stage = "test" | "runtime";

/** Builds the application's image up to a stage. */
export function buildImage(app: Directory, stage: Stage): Container {
  return app.dockerBuild({ target: stage });
}
