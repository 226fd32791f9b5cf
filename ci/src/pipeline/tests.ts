import { type Container, type Directory, ReturnType } from "@dagger.io/dagger";
import { folderOf } from "../project/files.js";
import { isProcesses, mostProcesses, type Project } from "../project/project.js";
import { generateCredentials } from "../stack/credentials.js";
import { type Application, buildImage } from "../stack/image.js";
import { isOfContract, readProject, usedBackends } from "../stack/project.js";
import { startBackends, withBackends, worker } from "../stack/services.js";
import { isCached, withMarker } from "./cache-marker.js";

/** Folder in which the test run of ci/image writes its reports. */
const reports = "/reports";
/** Both ends of its output. */
const output = "/tmp/stackline-test-output.txt";

/** What is tested. */
export interface Tested extends Application {
  /** Seconds that one test may take, by default `longestTest`; 0 for any number. */
  timeout?: number | undefined;
  /** Processes that run tests side by side, by default the project's; 0 for one for each processor. */
  parallel?: number | undefined;
  /** Arguments of the project's test runner. */
  select?: readonly string[];
}

/** Seconds. A test that takes longer hangs, and ends the run. */
const longestTest = 600;

/** @throws Error for what is no number of seconds. */
export function checkTimeout(timeout = longestTest): number {
  if (Number.isInteger(timeout) && timeout >= 0) return timeout;
  throw new Error(`--timeout ${timeout}: give a whole number of seconds, 0 for no limit`);
}

/** @throws Error for what is no number of processes. */
export function checkParallel(parallel?: number): number | undefined {
  if (parallel === undefined || isProcesses(parallel)) return parallel;
  throw new Error(
    `--parallel ${parallel}: give a number of processes up to ${mostProcesses}, or 0 for one for each processor`,
  );
}

interface Prepared {
  /** The application's test image, bound to new services. */
  alone: Container;
  /** The same, with a worker from the same image where tests may need one. */
  complete: Container;
  command: string[];
}

async function prepare(application: Tested): Promise<Prepared> {
  const timeout = checkTimeout(application.timeout);
  const given = checkParallel(application.parallel);
  const project = await readProject(application.app);
  const parallel = given ?? project.parallel?.value ?? 1;
  const image = (await buildImage(application, "test"))
    .withEnvVariable("TEST_RUNNER", project.testRunner.value)
    .withEnvVariable("TEST_FOLDER", testFolder(project));
  const backends = startBackends(generateCredentials("test"), usedBackends(project));
  // Start the services while the image is built.
  await Promise.all([image.sync(), ...[...backends.services.values()].map((service) => service.start())]);
  const alone = withBackends(image, backends)
    .withEnvVariable("TEST_TIMEOUT", String(timeout))
    .withEnvVariable("TEST_PARALLEL", String(parallel));
  return {
    alone,
    complete:
      isOfContract(project) && project.celery ? alone.withServiceBinding("worker", worker(alone)) : alone,
    command: ["/opt/docker/entrypoint", "test", ...(application.select ?? [])],
  };
}

/** pytest takes the paths in its configuration relative to that; Django's runner looks beside manage.py. */
function testFolder({ testRunner: { value, file = "" }, manage }: Project): string {
  const isConfigured = /(^|\/)(\.?pytest\.ini|pyproject\.toml|setup\.cfg|tox\.ini|conftest\.py)$/.test(file);
  return `/app/${folderOf(value === "pytest" && isConfigured ? file : manage.value)}`;
}

/** Output of the tests; fails if they do. Without reports no coverage is measured, which is faster. */
export async function runTests(application: Tested): Promise<string> {
  const { complete, command } = await prepare(application);
  return outputOf(complete.withoutEnvVariable("TEST_REPORTS").withExec(command));
}

/** A finished test run. */
export interface TestRun {
  passed: boolean;
  cached: boolean;
  output: string;
  reports: Directory;
}

/** Runs the tests and does not fail if they do. A failure is never taken from the cache, because it may be flaky. */
export async function finishTests(application: Tested): Promise<TestRun> {
  const started = Date.now();
  const { alone, complete, command } = await prepare(application);
  const run = judge(complete, command);
  const code = await run.exitCode().catch((cause: Error) => cause);
  if (typeof code !== "number") return withoutWorker(judge(alone, command), code);
  const cached = await isCached(run, started);
  if (code === 0 || !cached) return outcome(run, code, cached);
  const again = judge(complete.withEnvVariable("STACKLINE_ATTEMPT", String(started)), command);
  return outcome(again, await again.exitCode(), false);
}

function judge(prepared: Container, command: string[]): Container {
  return prepared.withExec(withMarker(command), { expect: ReturnType.Any });
}

/** If no worker starts, for example because the settings do not import, the tests' own report says why. */
async function withoutWorker(run: Container, cause: Error): Promise<TestRun> {
  const code = await run.exitCode().catch(() => {
    throw cause;
  });
  const ran = await outcome(run, code, false);
  return { ...ran, passed: false, output: `${ran.output}\n${cause.message}` };
}

async function outcome(run: Container, code: number, cached: boolean): Promise<TestRun> {
  return {
    passed: code === 0,
    cached,
    output: await outputOf(run),
    reports: run.directory(reports),
  };
}

/** The streams themselves may be larger than the API returns, or than memory. A run that did not get to the tests has no file. */
async function outputOf(run: Container): Promise<string> {
  return (await run.exists(output)) ? run.file(output).contents() : run.combinedOutput();
}
