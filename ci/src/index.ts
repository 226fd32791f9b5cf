/** A CI/CD pipeline for a Django, Celery, PostgreSQL, Redis, Kafka and nginx stack. */
import type { Container, Directory, File, Secret, Service } from "@dagger.io/dagger";
import { argument, check, func, object } from "@dagger.io/dagger";
import { adopt } from "./adopt/adopt.js";
import { ignored, ignoredInProject } from "./ignored.js";
import { parseParts, photographPage, readPage, runChecks } from "./pipeline/checks.js";
import { reportPipeline, runPipeline } from "./pipeline/ci.js";
import { lintSource } from "./pipeline/lint.js";
import { publishImage } from "./pipeline/publish.js";
import { listPackages, parseFormat } from "./pipeline/sbom.js";
import { scanImage } from "./pipeline/scan.js";
import { finishTests, runTests } from "./pipeline/tests.js";
import { inspect } from "./project/inspect.js";
import { rehearse } from "./rehearsal/rehearse.js";
import { deploy, rollBack } from "./site/deploy.js";
import { cloudInit } from "./site/provisioning.js";
import { Site } from "./site/site.js";
import { buildImage } from "./stack/image.js";
import { startStack } from "./stack/stack.js";

@object()
export class Stackline {
  /**
   * Inspect a Django project and print what its files say about it.
   *
   * Names the file that says so with each value. A line in the project's stackline.json corrects a wrong one.
   *
   * @param app Folder of the project
   * @param format text or json
   */
  @func()
  async inspect(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    format: string = "text",
  ): Promise<string> {
    return inspect(app, format);
  }

  /**
   * Run lint, test, build and checks in parallel and print a table.
   *
   * Fails when one of them fails; the last lines show the first failure.
   *
   * @param source The whole project
   * @param app Folder of the Django project
   * @param nginx Templates and maintenance page of nginx
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   * @param timeout Seconds that one test may take before the run is ended; by default 600, 0 for no limit
   * @param parallel Processes that run tests side by side; 0 for one for each processor; by default stackline.json's, or 1
   */
  @func()
  async ci(
    @argument({ defaultPath: "/", ignore: ignoredInProject }) source: Directory,
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/nginx", ignore: ignored }) nginx: Directory,
    netrc?: Secret,
    timeout?: number,
    parallel?: number,
  ): Promise<string> {
    return runPipeline({ source, app, netrc, nginx, timeout, parallel });
  }

  /**
   * Collect the reports of a CI run, also when it failed.
   *
   * The folder contains summary.md, junit.xml, coverage.xml, html/ and checks.png.
   *
   * @param source The whole project
   * @param app Folder of the Django project
   * @param nginx Templates and maintenance page of nginx
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   * @param timeout Seconds that one test may take before the run is ended; by default 600, 0 for no limit
   * @param parallel Processes that run tests side by side; 0 for one for each processor; by default stackline.json's, or 1
   */
  @func({ cache: "session" })
  async ciReport(
    @argument({ defaultPath: "/", ignore: ignoredInProject }) source: Directory,
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/nginx", ignore: ignored }) nginx: Directory,
    netrc?: Secret,
    timeout?: number,
    parallel?: number,
  ): Promise<Directory> {
    return reportPipeline({ source, app, netrc, nginx, timeout, parallel });
  }

  /**
   * Run the application's tests against real services.
   *
   * Runs pytest or manage.py test, with those of PostgreSQL, Redis and Kafka that the project uses, and prints the output. Fails
   * when a test fails, and when there are no tests at all.
   *
   * Example: `test --app=../shop --select=orders.tests`.
   *
   * @param app Folder of the Django project
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   * @param timeout Seconds that one test may take before the run is ended; by default 600, 0 for no limit
   * @param parallel Processes that run tests side by side; 0 for one for each processor; by default stackline.json's, or 1
   * @param select Arguments of the test runner, such as the names of tests; by default all tests run
   */
  @func()
  @check()
  async test(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    netrc?: Secret,
    timeout?: number,
    parallel?: number,
    select: string[] = [],
  ): Promise<string> {
    return runTests({ app, netrc, timeout, parallel, select });
  }

  /**
   * Collect the reports of a test run, also when tests failed.
   *
   * The folder contains junit.xml, coverage.xml and html/.
   *
   * @param app Folder of the Django project
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   * @param timeout Seconds that one test may take before the run is ended; by default 600, 0 for no limit
   * @param parallel Processes that run tests side by side; 0 for one for each processor; by default stackline.json's, or 1
   * @param select Arguments of the test runner, such as the names of tests; by default all tests run
   */
  @func({ cache: "session" })
  async testReport(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    netrc?: Secret,
    timeout?: number,
    parallel?: number,
    select: string[] = [],
  ): Promise<Directory> {
    return (await finishTests({ app, netrc, timeout, parallel, select })).reports;
  }

  /**
   * Lint Python, TypeScript, shell, YAML, compose and nginx files.
   *
   * Prints one line for each linter.
   *
   * @param source The whole project
   */
  @func()
  @check()
  async lint(@argument({ defaultPath: "/", ignore: ignoredInProject }) source: Directory): Promise<string> {
    return lintSource(source);
  }

  /**
   * Build the production image.
   *
   * @param app Folder of the Django project
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func()
  @check()
  async build(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    netrc?: Secret,
  ): Promise<Container> {
    return buildImage({ app, netrc }, "runtime");
  }

  /**
   * Start the whole stack behind nginx, from the production image.
   *
   * Example: `stack up --ports 8080:80`.
   *
   * @param app Folder of the Django project
   * @param nginx Templates and maintenance page of nginx
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func({ cache: "never" })
  async stack(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/nginx", ignore: ignored }) nginx: Directory,
    netrc?: Secret,
  ): Promise<Service> {
    return (await startStack({ app, netrc }, nginx)).service;
  }

  /**
   * Start the whole stack and verify its /checks page through nginx.
   *
   * Prints a line for each part, `ok` or `FAIL` with the reason, and fails unless all are ok: the six items of the /checks page
   * and its stylesheet; of a project without that page its health address, a static file, its migrations and its worker.
   *
   * @param app Folder of the Django project
   * @param nginx Templates and maintenance page of nginx
   * @param without Parts to leave out, to simulate an outage: nginx, postgres, redis, worker, kafka
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func()
  @check()
  async checks(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/nginx", ignore: ignored }) nginx: Directory,
    without: string[] = [],
    netrc?: Secret,
  ): Promise<string> {
    return runChecks(await startStack({ app, netrc }, nginx, parseParts(without)));
  }

  /**
   * Print the HTML of the /checks page as nginx serves it.
   *
   * @param app Folder of the Django project
   * @param nginx Templates and maintenance page of nginx
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func()
  async checksPage(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/nginx", ignore: ignored }) nginx: Directory,
    netrc?: Secret,
  ): Promise<string> {
    return readPage(await startStack({ app, netrc }, nginx));
  }

  /**
   * Take a screenshot (PNG) of the /checks page in headless Chromium.
   *
   * @param app Folder of the Django project
   * @param nginx Templates and maintenance page of nginx
   * @param width Width in pixels
   * @param height Height in pixels
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func({ cache: "session" })
  async checksScreenshot(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/nginx", ignore: ignored }) nginx: Directory,
    width: number = 1280,
    height: number = 1000,
    netrc?: Secret,
  ): Promise<File> {
    return photographPage(await startStack({ app, netrc }, nginx), width, height);
  }

  /**
   * List every package in the production image, in JSON.
   *
   * Example: `sbom -o sbom.json`.
   *
   * @param app Folder of the Django project
   * @param format spdx or cyclonedx
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func({ cache: "session" })
  async sbom(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    format: string = "spdx",
    netrc?: Secret,
  ): Promise<File> {
    return listPackages(await buildImage({ app, netrc }, "runtime"), parseFormat(format));
  }

  /**
   * Scan the production image for known vulnerabilities.
   *
   * Fails for fixable vulnerabilities of severity high or critical in what the application adds to its base image, and when
   * no vulnerability database is available.
   *
   * @param app Folder of the Django project
   * @param database grype's database, where it cannot be downloaded: vulnerability.db or an archive of it
   * @param allowNoDatabase Succeed without a database, with a message
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func({ cache: "never" })
  async scan(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    database?: File,
    allowNoDatabase: boolean = false,
    netrc?: Secret,
  ): Promise<string> {
    return scanImage({ app, netrc }, { database, allowNoDatabase });
  }

  /**
   * Build the production image and push it to a registry.
   *
   * Works with Docker Hub and any other registry. Prints the reference of the image by digest. Fails when the version is
   * already published with other content. The tags 1.4, 1 and latest follow the newest version and never move back.
   *
   * @param app Folder of the Django project
   * @param repository Repository to push to: you/app on Docker Hub, or ghcr.io/you/app
   * @param username Account at the registry
   * @param password Its password or token, e.g. env://REGISTRY_PASSWORD
   * @param tag Tags to push under
   * @param commit Full commit hash, for the tag sha-... and the label org.opencontainers.image.revision
   * @param branch Branch, whose name becomes a tag
   * @param version Version: v1.4.2 gives the tags 1.4.2, 1.4, 1 and latest
   * @param platform Target platforms: linux/amd64, linux/arm64; by default the engine's own
   * @param source URL of the sources, for the image's labels
   * @param created Time in RFC 3339, for the image's labels; without it equal sources give equal digests
   * @param force Overwrite the version if it is published with other content
   * @param noMovingTags Push only the version's own tag: 1.4.2, but not 1.4, 1 and latest
   * @param moveBack Let 1.4, 1 and latest move to this version, even if it is older
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func({ cache: "never" })
  async publish(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
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
    force: boolean = false,
    noMovingTags: boolean = false,
    moveBack: boolean = false,
    netrc?: Secret,
  ): Promise<string> {
    const destination = { repository, username, password, tags: tag, platforms: platform };
    const rules = { force, noMovingTags, moveBack };
    const labels = { commit, branch, version, source, created };
    return publishImage({ app, netrc }, { ...destination, ...labels, ...rules });
  }

  /**
   * Test, build, publish and deploy a release without downtime.
   *
   * Runs the same steps as `ci` first. If the new release fails on the machine, the old one is restored. `--image` deploys an
   * image that is already published, without testing or building anything.
   *
   * @param env Name of a file in environments/: prod, staging
   * @param sshKey Private SSH key of the environment's user, e.g. env://SSH_PRIVATE_KEY
   * @param app Folder of the Django project
   * @param source The whole project
   * @param environments NAME.json for each environment
   * @param scripts Scripts that run on the machine
   * @param secrets The stack's secrets, NAME=VALUE lines, e.g. env://STACKLINE_SECRETS; by default those of the last deploy
   * @param username Account at the registry
   * @param password Its password or token, e.g. env://REGISTRY_PASSWORD
   * @param image Reference by digest of a published image
   * @param dryRun Print the plan and change nothing
   * @param noBackup Skip the database backup before the migration
   * @param by Name for the history; by default the comment or fingerprint of the SSH key
   * @param commit Full commit hash, for the image's tag sha-... and its label
   * @param version Version: v1.4.2 gives the tags 1.4.2, 1.4, 1 and latest
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func({ cache: "never" })
  async deploy(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/", ignore: ignoredInProject }) source: Directory,
    @argument({ defaultPath: "/environments", ignore: ignored }) environments: Directory,
    @argument({ defaultPath: "/scripts/host", ignore: ignored }) scripts: Directory,
    secrets?: Secret,
    username: string = "",
    password?: Secret,
    image: string = "",
    dryRun: boolean = false,
    noBackup: boolean = false,
    by: string = "",
    commit: string = "",
    version: string = "",
    netrc?: Secret,
  ): Promise<string> {
    const options = { secrets, username, password, image, dryRun, backup: !noBackup, by, commit, version };
    return deploy({ env, sshKey, environments, scripts, ...options, app, netrc, source });
  }

  /**
   * Return to an earlier release; the database stays unchanged.
   *
   * By default this is the release that served before the current one was deployed.
   *
   * @param env Name of a file in environments/: prod, staging
   * @param sshKey Private SSH key of the environment's user, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts Scripts that run on the machine
   * @param to Name of the release, as `site history` prints it
   * @param username Account at the registry; only needed if the machine no longer has the image
   * @param password Its password or token, e.g. env://REGISTRY_PASSWORD
   * @param by Name for the history; by default the comment or fingerprint of the SSH key
   */
  @func({ cache: "never" })
  async rollback(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments", ignore: ignored }) environments: Directory,
    @argument({ defaultPath: "/scripts/host", ignore: ignored }) scripts: Directory,
    to: string = "",
    username: string = "",
    password?: Secret,
    by: string = "",
  ): Promise<string> {
    return rollBack({ env, sshKey, environments, scripts }, { username, password }, to, by);
  }

  /**
   * Inspect and operate the site of one environment.
   *
   * Returns an object whose functions act on that site: `site --env=prod status`.
   *
   * @param env Name of a file in environments/: prod, staging
   * @param sshKey Private SSH key of the environment's user, e.g. env://SSH_PRIVATE_KEY
   * @param environments NAME.json for each environment
   * @param scripts Scripts that run on the machine
   */
  // The default cache policy: with unchanged arguments, a chain starts one Node.js process instead of two.
  @func()
  site(
    env: string,
    sshKey: Secret,
    @argument({ defaultPath: "/environments", ignore: ignored }) environments: Directory,
    @argument({ defaultPath: "/scripts/host", ignore: ignored }) scripts: Directory,
  ): Site {
    return new Site(env, sshKey, environments, scripts);
  }

  /**
   * Rehearse deploys, a rollback and a restore on a disposable VM.
   *
   * Prints the duration of each step under load and the number of failed requests. Fails when a request failed.
   *
   * @param app Folder of the Django project
   * @param source The whole project
   * @param rate Pages per second; by default a share of what the machine can serve
   * @param netrc Logins for private package indexes, in netrc format, e.g. file://$HOME/.netrc
   */
  @func({ cache: "never" })
  async rehearse(
    @argument({ defaultPath: "/app", ignore: ignored }) app: Directory,
    @argument({ defaultPath: "/", ignore: ignoredInProject }) source: Directory,
    rate?: number,
    netrc?: Secret,
  ): Promise<string> {
    return rehearse({ app, netrc, source, rate });
  }

  /**
   * Write cloud-init user data that provisions a new machine.
   *
   * The result is the same as with `site provision`; the machine need not exist yet. Example: `cloud-init -o user-data.yml`.
   *
   * @param env Name of a file in environments/: prod, staging
   * @param sshPublicKey Public SSH key to authorise for the environment's user: "ssh-ed25519 AAAA..."
   * @param environments NAME.json for each environment
   * @param scripts Scripts that run on the machine
   * @param swap Megabytes of swap for a machine that has none; 0 for none
   * @param newHostKey Generate the machine's host key and print its public half for the environment's file
   */
  @func({ cache: "never" })
  async cloudInit(
    env: string,
    sshPublicKey: string,
    @argument({ defaultPath: "/environments", ignore: ignored }) environments: Directory,
    @argument({ defaultPath: "/scripts/host", ignore: ignored }) scripts: Directory,
    swap: number = 2048,
    newHostKey: boolean = false,
  ): Promise<string> {
    return cloudInit({ env, environments, scripts }, sshPublicKey, { swap }, newHostKey);
  }

  /**
   * Write the files of the stack for a repository of its own.
   *
   * Compose files, nginx, environments, runner files and stackline.json, tailored to the project; STACKLINE.md says what each
   * is for. Fails with the names of files that it would overwrite.
   *
   * Example: `adopt --source=. export --path=.`.
   *
   * @param source Repository of the Django project
   * @param stack Files to tailor; by default the module's own
   * @param module Git address of this module, for the calls in runner files
   * @param runner CI runners to write a file for: github, gitlab, circleci, jenkins, bitbucket, azure; by default all
   * @param force Overwrite files that have other contents, but not stackline.json, .dockerignore and environments
   */
  @func()
  async adopt(
    @argument({ ignore: ignored }) source: Directory,
    @argument({ defaultPath: "/", ignore: ignoredInProject }) stack: Directory,
    module: string = "github.com/you/stackline",
    runner: string[] = [],
    force: boolean = false,
  ): Promise<Directory> {
    return adopt({ source, stack, module, runners: runner, force });
  }
}
