import { posix } from "node:path";
import { type Container, type Directory, type DirectoryDockerBuildOpts, dag } from "@dagger.io/dagger";
import type { Dockerfile, Project } from "../project/project.js";
import { images } from "../versions.js";
import { runArguments, type Stage } from "./build-arguments.js";
import { programsFor } from "./context.js";

const uv = "/opt/docker/uv";

/**
 * The image of a Dockerfile of the project's own, with the programs of ci/image, which serve, test and verify it: it runs as one
 * of ci/image/Dockerfile does.
 */
export async function buildOwnImage(
  app: Directory,
  project: Project,
  { path, stage: target, args = {} }: Dockerfile,
  stage: Stage,
  options: DirectoryDockerBuildOpts,
): Promise<Container> {
  const built = app.dockerBuild({
    ...options,
    dockerfile: path,
    ...(target && { target }),
    buildArgs: Object.entries(args).map(([name, value]) => ({ name, value })),
  });
  const { FOLDER, SETTINGS, WSGI, ASGI, CELERY } = runArguments(project, stage);
  const programs = programsFor(project);
  const prepared = (await withoutPorts(built))
    .withUser("0:0")
    .withDirectory("/opt/docker", programs, { exclude: ["Dockerfile", "testing"] })
    .withEnvVariable("PYTHONUNBUFFERED", "1")
    .withEnvVariable("PYTHONDONTWRITEBYTECODE", "1")
    .withEnvVariable("STATIC_ROOT", "/srv/www/static")
    .withEnvVariable("DJANGO_SETTINGS_MODULE", SETTINGS)
    .withEnvVariable("STACKLINE_WSGI", WSGI)
    .withEnvVariable("STACKLINE_ASGI", ASGI)
    .withEnvVariable("STACKLINE_CELERY", CELERY)
    .withMountedFile(uv, dag.container().from(images.uv).file("/uv"))
    .withExec(["sh", "/opt/docker/own-image", FOLDER, stage])
    .withoutMount(uv)
    .withoutFile(uv)
    .withWorkdir(posix.join("/app", FOLDER))
    .withUser("10001:10001")
    .withEntrypoint(["/opt/docker/entrypoint"])
    .withDefaultArgs([stage === "test" ? "test" : "serve"])
    .withDockerHealthcheck(["/usr/local/bin/python3", "-IS", "/opt/docker/healthcheck.py"], readiness);
  if (stage === "runtime") return prepared;
  return prepared
    .withDirectory("/opt/testing", programs.directory("testing"))
    .withEnvVariable("TEST_REPORTS", "/reports");
}

/** As in ci/image/Dockerfile. */
const readiness = { interval: "10s", timeout: "5s", startPeriod: "60s", retries: 3 };

/** Without the ports that the Dockerfile exposes: the application listens on another. */
async function withoutPorts(container: Container): Promise<Container> {
  const ports = await Promise.all((await container.exposedPorts()).map((port) => port.port()));
  return ports.reduce((result, port) => result.withoutExposedPort(port), container);
}
