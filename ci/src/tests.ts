import { type Container, type Directory, ReturnType } from "@dagger.io/dagger";
import { generateCredentials } from "./credentials.js";
import { buildImage } from "./image.js";
import { startBackends, withBackends, worker } from "./services.js";

/** Where the test run of app/docker leaves its reports. */
const reports = "/reports";

/** The application's tests, against services of their own and a worker from the same image. */
function testRun(app: Directory, expect: ReturnType): Container {
  const container = withBackends(buildImage(app, "test"), startBackends(generateCredentials()));
  return container
    .withServiceBinding("worker", worker(container))
    .withExec(["test"], { useEntrypoint: true, expect });
}

/** Output of the tests; fails as they do. */
export function runTests(app: Directory): Promise<string> {
  return testRun(app, ReturnType.Success).combinedOutput();
}

/** Reports of the tests, whether they passed or not. */
export function reportTests(app: Directory): Directory {
  return testRun(app, ReturnType.Any).directory(reports);
}
