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
import { parseParts, photographPage, readPage, runChecks } from "./pipeline/checks.js";
import { reportPipeline, runPipeline } from "./pipeline/ci.js";
import { lintSource } from "./pipeline/lint.js";
import { publishImage } from "./pipeline/publish.js";
import { listPackages, parseFormat } from "./pipeline/sbom.js";
import { scanImage } from "./pipeline/scan.js";
import { finishTests, runTests } from "./pipeline/tests.js";
import { rehearse } from "./rehearsal/rehearse.js";
import { callTarget, deploy, onOrOff, rollBack } from "./site/deploy.js";
import { readLogs } from "./site/logs.js";
import { cloudInit, provisionMachine } from "./site/provisioning.js";
import { buildImage } from "./stack/image.js";
import { startStack } from "./stack/stack.js";

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
   * Everything that a pull request needs: lint, test, build and checks, side by side; prints a table.
   *
   * Fails when one of them does, with what failed first in the last lines.
   *
   * @param source The whole project
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param nginx nginx's templates and maintenance page
   */
  @func()
  async ci(
    @argument({ defaultPath: "/", ignore: unwanted })
    source: Directory,
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/nginx" })
    nginx: Directory,
  ): Promise<string> {
    return runPipeline({ source, app, nginx });
  }

  /**
   * What `ci` leaves to look at, whatever failed: summary.md, junit.xml, coverage.xml, html/ and checks.png.
   *
   * @param source The whole project
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param nginx nginx's templates and maintenance page
   */
  @func({ cache: "session" })
  async ciReport(
    @argument({ defaultPath: "/", ignore: unwanted })
    source: Directory,
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/nginx" })
    nginx: Directory,
  ): Promise<Directory> {
    return reportPipeline({ source, app, nginx });
  }

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
  async testReport(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
  ): Promise<Directory> {
    return (await finishTests(app)).reports;
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
  @check()
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
    return runChecks(app, startStack(app, nginx, parseParts(without))).stdout();
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
    return readPage(app, startStack(app, nginx));
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
    return photographPage(startStack(app, nginx), width, height);
  }

  /**
   * A list of every package in the production image, in JSON: `sbom -o sbom.json`.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param format spdx or cyclonedx
   */
  @func({ cache: "session" })
  sbom(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    format: string = "spdx",
  ): File {
    return listPackages(buildImage(app, "runtime"), parseFormat(format));
  }

  /**
   * Look for known vulnerabilities in the production image.
   *
   * Fails for critical or high ones that have a fix, in what the application adds to its base image; and when there is
   * no database to look in, because then nothing is known.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param database grype's database, for where none can be downloaded: vulnerability.db or an archive of it
   * @param allowNoDatabase Go on without a database, and say so
   */
  @func({ cache: "never" })
  async scan(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    database?: File,
    allowNoDatabase: boolean = false,
  ): Promise<string> {
    return scanImage(app, { database, allowNoDatabase });
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

  /**
   * Lint, test, check, build, publish, and put the new release in the place of the old without a failed request.
   *
   * What goes wrong on the machine puts the old release back. `--image` deploys what is published already.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param source The whole project
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param secrets The stack's confidential values, NAME=VALUE lines, e.g. env://STACKLINE_SECRETS; without it those that the machine has
   * @param username Account at the registry
   * @param password Its password or token, e.g. env://REGISTRY_PASSWORD
   * @param image Reference by digest of a published image: nothing is tested or built
   * @param dryRun Say what would be done, and change nothing
   * @param noBackup Leave out the dump of the database before the migration
   * @param by Who deploys, for the history
   * @param commit Full hash: the image's tag sha-... and its label
   * @param version v1.4.2 gives the tags 1.4.2, 1.4, 1 and latest
   */
  @func({ cache: "never" })
  async deploy(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/", ignore: unwanted })
    source: Directory,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    secrets?: Secret,
    username: string = "",
    password?: Secret,
    image: string = "",
    dryRun: boolean = false,
    noBackup: boolean = false,
    by: string = "",
    commit: string = "",
    version: string = "",
  ): Promise<string> {
    const target = { env, sshKey, environments, scripts };
    return deploy({
      ...target,
      app,
      source,
      secrets,
      username,
      password,
      image,
      dryRun,
      backup: !noBackup,
      by,
      commit,
      version,
    });
  }

  /**
   * Put an earlier release back, by default the one that served before the current was deployed; the database stays as it is.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param to Its name, as history prints it
   * @param username Account at the registry, where the image is gone from the machine
   * @param password Its password or token
   * @param by Who does it, for the history
   */
  @func({ cache: "never" })
  async rollback(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    to: string = "",
    username: string = "",
    password?: Secret,
    by: string = "",
  ): Promise<string> {
    return rollBack({ env, sshKey, environments, scripts }, { username, password }, to, by);
  }

  /**
   * What runs: release, image, lock, services, the last deploy.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param follow Watch the run that is under way, or read the last one's log
   */
  @func({ cache: "never" })
  async status(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    follow: boolean = false,
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, follow ? ["status", "--follow"] : ["status"]);
  }

  /**
   * Who deployed what, when, for how long, and how it ended.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   */
  @func({ cache: "never" })
  async history(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["history"]);
  }

  /**
   * The lines of an environment, oldest first, each once: from Loki, asked over the SSH connection, or from Docker's files on
   * the machine where no Loki answers, which a first line then tells.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param service One service alone: app, worker, nginx, postgres, ...
   * @param since How far back: a number and s, m, h or d
   * @param level This level and graver ones: debug, info, warn, error, fatal
   * @param query LogQL: a whole query, or what follows the selector, such as '|= "timeout"'
   * @param limit The newest so many, 5000 at most
   * @param follow Print new lines until interrupted
   */
  @func({ cache: "never" })
  async logs(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    service: string = "",
    since: string = "1h",
    level: string = "",
    query: string = "",
    limit: number = 1000,
    follow: boolean = false,
  ): Promise<string> {
    return readLogs({ env, sshKey, environments, scripts }, { service, since, level, query, limit, follow });
  }

  /**
   * A service's last lines, from Docker's files on the machine.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param service app, worker, beat, nginx, postgres, redis, kafka
   * @param lines How many
   */
  @func({ cache: "never" })
  async appLogs(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    service: string = "app",
    lines: number = 100,
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["app-logs", service, String(lines)]);
  }

  /**
   * Run a command in a service's container: `exec --command python,manage.py,showmigrations`.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param command The command and its arguments
   * @param service Where
   */
  @func({ cache: "never" })
  async exec(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    command: string[],
    service: string = "app",
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["exec", service, ...command]);
  }

  /**
   * Show everybody the maintenance page, or end that.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param on Show it
   * @param off End it
   */
  @func({ cache: "never" })
  async maintenance(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    on: boolean = false,
    off: boolean = false,
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["maintenance", onOrOff(on, off)]);
  }

  /**
   * Dump the database, on the machine.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   */
  @func({ cache: "never" })
  async backup(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["backup"]);
  }

  /**
   * The backups that can be restored.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   */
  @func({ cache: "never" })
  async backups(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["backups"]);
  }

  /**
   * Put a backup in the place of the database: loaded beside it, verified, then exchanged. The site shows its maintenance page meanwhile.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param backup Its name, as backups prints it
   * @param by Who does it, for the history
   */
  @func({ cache: "never" })
  async restore(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    backup: string,
    by: string = "",
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["restore", backup], { by });
  }

  /**
   * Prove the newest backup: load it beside the database, count its rows, drop it.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   */
  @func({ cache: "never" })
  async restoreDrill(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["restore-drill"]);
  }

  /**
   * After a deploy that was killed: put right what it left, and let others in.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param by Who does it, for the history
   */
  @func({ cache: "never" })
  async unlock(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    by: string = "",
  ): Promise<string> {
    return callTarget({ env, sshKey, environments, scripts }, ["unlock"], { by });
  }

  /**
   * Rehearse on a machine that is thrown away: deploy, deploy again, change the configuration, roll back, restore, all under load.
   *
   * Prints how long each took and how many requests failed; fails when one did.
   *
   * @param app The application: manage.py, requirements.txt, Dockerfile, docker/
   * @param source The whole project
   * @param rate Requests a second
   */
  @func({ cache: "never" })
  async rehearse(
    @argument({ defaultPath: "/app", ignore: unwantedInApp })
    app: Directory,
    @argument({ defaultPath: "/", ignore: unwanted })
    source: Directory,
    rate: number = 200,
  ): Promise<string> {
    return rehearse({ app, source, rate });
  }

  /**
   * Make a bare Debian or Ubuntu ready for the stack: Docker, the user who deploys, SSH by key alone, a firewall, updates.
   *
   * Prints what it changed; run again, it changes nothing.
   *
   * @param env Which of environments/: prod, staging
   * @param sshKey Private key that the machine lets in as admin; afterwards as the environment's user, too
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param admin Who is root there, or becomes it by sudo without a password: root, admin, ubuntu
   * @param swap Megabytes of swap where the machine has none; 0 for none
   */
  @func({ cache: "never" })
  async provision(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    admin: string = "root",
    swap: number = 2048,
  ): Promise<string> {
    return provisionMachine({ env, sshKey, environments, scripts }, admin, { swap });
  }

  /**
   * The same as provision, as user data for a machine that is yet to be made: `cloud-init -o user-data.yml`.
   *
   * @param env Which of environments/: prod, staging
   * @param sshPublicKey Who may log in as the environment's user: "ssh-ed25519 AAAA..."
   * @param environments NAME.json for each environment
   * @param scripts What runs on the machine
   * @param swap Megabytes of swap where the machine has none; 0 for none
   */
  @func({ cache: "session" })
  async cloudInit(
    env: string,
    sshPublicKey: string,
    @argument({ defaultPath: "/environments" })
    environments: Directory,
    @argument({ defaultPath: "/scripts/host" })
    scripts: Directory,
    swap: number = 2048,
  ): Promise<File> {
    return cloudInit({ env, environments, scripts }, sshPublicKey, { swap });
  }
}
