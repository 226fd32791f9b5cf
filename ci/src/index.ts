/**
 * A CI/CD pipeline for a Django, Celery, PostgreSQL, Redis, Kafka and nginx stack.
 */
import {
  argument,
  type Container,
  check,
  type Directory,
  type File,
  func,
  object,
  type Secret,
  type Service,
} from "@dagger.io/dagger";
import { parseParts, photographPage, readPage, runChecks } from "./checks.js";
import { buildImage } from "./image.js";
import { lintSource } from "./lint.js";
import { publishImage } from "./publish.js";
import { startStack } from "./stack.js";
import { reportTests, runTests } from "./tests.js";

/** What no function wants to see, wherever it lies: an edit of it must not make a result invalid. */
const unwantedInApp = ["**/__pycache__", "**/*.pyc", "**/.venv", "**/.*_cache", "**/.env"];
const unwanted = [
  "**/.git",
  "**/node_modules",
  "ci/sdk",
  "out",
  "**/__pycache__",
  "**/*.pyc",
  "**/.venv",
  "**/.*_cache",
  "**/.env",
];

@object()
export class Stackline {
  /**
   * Run the application's tests on a PostgreSQL, a Redis, a Kafka and a Celery worker of their own.
   *
   * Prints the run's output; fails with the output of the tests that failed, and when there is no test at all.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   */
  @func()
  @check()
  async test(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
  ): Promise<string> {
    return runTests(app);
  }

  /**
   * Reports of a test run: junit.xml, coverage.xml and html/, also when tests failed.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   */
  @func({ cache: "session" })
  testReport(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
  ): Directory {
    return reportTests(app);
  }

  /**
   * Check Python, TypeScript, shell, YAML, compose and nginx files; prints a line for each kind.
   *
   * @param source The whole project
   */
  @func()
  @check()
  async lint(
    @argument({
      defaultPath: "/",
      ignore: unwanted,
    })
    source: Directory,
  ): Promise<string> {
    return lintSource(source);
  }

  /**
   * Build the image that runs in production.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   */
  @func()
  build(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
  ): Container {
    return buildImage(app, "runtime");
  }

  /**
   * The whole stack behind nginx, from the production image: `stack up --ports 8080:80`.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param nginx nginx's templates and maintenance page
   */
  @func({ cache: "never" })
  stack(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/nginx" })
    nginx: Directory,
  ): Service {
    return startStack(app, nginx).service;
  }

  /**
   * Start the whole stack and read /checks through nginx: six lines, `ok` or `FAIL` with the reason.
   *
   * Fails unless all six are ok and the stylesheet arrives as one.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param nginx nginx's templates and maintenance page
   * @param without Parts to leave out, for a drill: nginx, postgres, redis, worker, kafka
   */
  @func()
  @check()
  async checks(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/nginx" })
    nginx: Directory,
    without: string[] = [],
  ): Promise<string> {
    return runChecks(app, nginx, parseParts(without));
  }

  /**
   * The /checks page as nginx delivers it, in HTML.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param nginx nginx's templates and maintenance page
   */
  @func()
  async checksPage(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/nginx" })
    nginx: Directory,
  ): Promise<string> {
    return readPage(app, nginx);
  }

  /**
   * A picture (PNG) of the /checks page in headless Chromium.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param nginx nginx's templates and maintenance page
   * @param width Pixels
   * @param height Pixels
   */
  @func({ cache: "session" })
  checksScreenshot(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/nginx" })
    nginx: Directory,
    width: number = 1280,
    height: number = 1000,
  ): File {
    return photographPage(app, nginx, width, height);
  }

  /**
   * Build the production image and push it to Docker Hub or any other registry; prints its reference by digest.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param repository Where to: you/app on Docker Hub, or ghcr.io/you/app
   * @param username Account at the registry
   * @param password Its password or token, e.g. env://REGISTRY_PASSWORD
   * @param tag Tags to push under
   * @param commit Full hash: tag sha-..., label org.opencontainers.image.revision
   * @param branch Its name as a tag
   * @param version v1.4.2 gives the tags 1.4.2, 1.4, 1 and latest
   * @param platform What machines it is for: linux/amd64, linux/arm64; without it the engine's own
   * @param source Address of the sources, for the image's labels
   * @param created RFC 3339, for the image's labels; without it equal sources give equal digests
   */
  @func({ cache: "never" })
  async publish(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    repository: string,
    username: string,
    password: Secret,
    tag: string[] = [],
    commit: string = "",
    branch: string = "",
    version: string = "",
    platform: string[] = [],
    source: string = "",
    created: string = "",
  ): Promise<string> {
    return publishImage(app, {
      repository,
      username,
      password,
      tags: tag,
      commit,
      branch,
      version,
      platforms: platform,
      source,
      created,
    });
  }
}
