import { type Container, type Directory, ReturnType } from "@dagger.io/dagger";
import { generateCredentials } from "../stack/credentials.js";
import { buildImage } from "../stack/image.js";
import { startBackends, withBackends, worker } from "../stack/services.js";
import { isCached, withMarker } from "./cache-marker.js";

/** Folder in which the test run of app/docker writes its reports. */
const reports = "/reports";
const command = ["/opt/docker/entrypoint", "test"];

/** The application's test image, bound to new services and a worker from the same image. */
async function prepare(app: Directory): Promise<Container> {
  const image = buildImage(app, "test");
  const backends = startBackends(generateCredentials("test"));
  const { postgres, redis, kafka } = backends;
  // Start the services while the image is built.
  await Promise.all([image.sync(), ...[postgres, redis, kafka].map((service) => service.start())]);
  const container = withBackends(image, backends);
  return container.withServiceBinding("worker", worker(container));
}

/** Output of the tests; fails if they do. Without reports no coverage is measured, which is faster. */
export async function runTests(app: Directory): Promise<string> {
  const prepared = await prepare(app);
  return prepared.withoutEnvVariable("TEST_REPORTS").withExec(command).combinedOutput();
}

/** A finished test run. */
export interface TestRun {
  passed: boolean;
  cached: boolean;
  output: string;
  reports: Directory;
}

/** Runs the tests and does not fail if they do. A failure is never taken from the cache, because it may be flaky. */
export async function finishTests(app: Directory): Promise<TestRun> {
  const started = Date.now();
  const prepared = await prepare(app);
  const run = judge(prepared);
  const [code, cached] = await Promise.all([run.exitCode(), isCached(run, started)]);
  if (code === 0 || !cached) return outcome(run, code, cached);
  const again = judge(prepared.withEnvVariable("STACKLINE_ATTEMPT", String(started)));
  return outcome(again, await again.exitCode(), false);
}

function judge(prepared: Container): Container {
  return prepared.withExec(withMarker(command), { expect: ReturnType.Any });
}

async function outcome(run: Container, code: number, cached: boolean): Promise<TestRun> {
  return {
    passed: code === 0,
    cached,
    output: await run.combinedOutput(),
    reports: run.directory(reports),
  };
}
