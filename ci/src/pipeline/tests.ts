import { type Container, type Directory, ReturnType } from "@dagger.io/dagger";
import { generateCredentials } from "../stack/credentials.js";
import { buildImage } from "../stack/image.js";
import { startBackends, withBackends, worker } from "../stack/services.js";
import { isKept, noted } from "./cache-marker.js";

/** Where the test run of app/docker leaves its reports. */
const reports = "/reports";
const command = ["/opt/docker/entrypoint", "test"];

/** The application's test image, with services of its own and a worker from the same image. */
async function prepare(app: Directory): Promise<Container> {
  const image = buildImage(app, "test");
  const backends = startBackends(generateCredentials("test"));
  const { postgres, redis, kafka } = backends;
  // By the time that a small change is built, they are ready.
  await Promise.all([image.sync(), ...[postgres, redis, kafka].map((service) => service.start())]);
  const container = withBackends(image, backends);
  return container.withServiceBinding("worker", worker(container));
}

/** Output of the tests; fails as they do. Nobody wants reports: the runner then measures nothing, which is faster. */
export async function runTests(app: Directory): Promise<string> {
  const prepared = await prepare(app);
  return prepared.withoutEnvVariable("TEST_REPORTS").withExec(command).combinedOutput();
}

/** A run of the tests that has ended, well or not. */
export interface TestRun {
  passed: boolean;
  /** Whether it is one from before, of the same application. */
  kept: boolean;
  output: string;
  reports: Directory;
}

/** Runs the tests, whatever they come to. A failure is never one that was kept: it may have passed since. */
export async function finishTests(app: Directory): Promise<TestRun> {
  const started = Date.now();
  const prepared = await prepare(app);
  const run = judge(prepared);
  const [code, kept] = await Promise.all([run.exitCode(), isKept(run, started)]);
  if (code === 0 || !kept) return outcome(run, code, kept);
  const again = judge(prepared.withEnvVariable("STACKLINE_ATTEMPT", String(started)));
  return outcome(again, await again.exitCode(), false);
}

function judge(prepared: Container): Container {
  return prepared.withExec(noted(command), { expect: ReturnType.Any });
}

async function outcome(run: Container, code: number, kept: boolean): Promise<TestRun> {
  return {
    passed: code === 0,
    kept,
    output: await run.combinedOutput(),
    reports: run.directory(reports),
  };
}
