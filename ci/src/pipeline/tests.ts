import { type Container, type Directory, ReturnType } from "@dagger.io/dagger";
import { generateCredentials } from "../stack/credentials.js";
import { type Application, buildImage } from "../stack/image.js";
import { startBackends, withBackends, worker } from "../stack/services.js";
import { isCached, withMarker } from "./cache-marker.js";

/** Folder in which the test run of app/docker writes its reports. */
const reports = "/reports";
/** Both ends of its output. */
const output = "/tmp/stackline-test-output.txt";
const command = ["/opt/docker/entrypoint", "test"];

interface Prepared {
  /** The application's test image, bound to new services. */
  alone: Container;
  /** The same with a worker from the same image. */
  complete: Container;
}

async function prepare(application: Application): Promise<Prepared> {
  const image = await buildImage(application, "test");
  const backends = startBackends(generateCredentials("test"));
  const { postgres, redis, kafka } = backends;
  // Start the services while the image is built.
  await Promise.all([image.sync(), ...[postgres, redis, kafka].map((service) => service.start())]);
  const alone = withBackends(image, backends);
  return { alone, complete: alone.withServiceBinding("worker", worker(alone)) };
}

/** Output of the tests; fails if they do. Without reports no coverage is measured, which is faster. */
export async function runTests(application: Application): Promise<string> {
  const { complete } = await prepare(application);
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
export async function finishTests(application: Application): Promise<TestRun> {
  const started = Date.now();
  const { alone, complete } = await prepare(application);
  const run = judge(complete);
  const code = await run.exitCode().catch((cause: Error) => cause);
  if (typeof code !== "number") return withoutWorker(alone, code);
  const cached = await isCached(run, started);
  if (code === 0 || !cached) return outcome(run, code, cached);
  const again = judge(complete.withEnvVariable("STACKLINE_ATTEMPT", String(started)));
  return outcome(again, await again.exitCode(), false);
}

function judge(prepared: Container): Container {
  return prepared.withExec(withMarker(command), { expect: ReturnType.Any });
}

/** If no worker starts, for example because the settings do not import, the tests' own report says why. */
async function withoutWorker(alone: Container, cause: Error): Promise<TestRun> {
  const run = judge(alone);
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
