import type { Container, Directory, Platform } from "@dagger.io/dagger";

/** Stages of app/Dockerfile that the pipeline uses. */
export type Stage = "test" | "runtime";

/**
 * Builds the application's image up to a stage.
 * @param platform such as "linux/arm64"; by default the engine's own.
 */
export function buildImage(app: Directory, stage: Stage, platform?: string): Container {
  return app.dockerBuild({ target: stage, ...(platform && { platform: platform as Platform }) });
}
