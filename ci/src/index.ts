/**
 * A CI/CD pipeline for a Django, Celery, PostgreSQL, Redis, Kafka and nginx stack.
 */
import { argument, type Container, check, type Directory, func, object } from "@dagger.io/dagger";
import { buildImage } from "./image.js";
import { lintSource } from "./lint.js";
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
}
