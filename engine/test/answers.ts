import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";

const PATIENCE = 120_000; // milliseconds
const TRY = 3_000; // milliseconds

/**
 * Waits until the server in `container` answers over HTTP, whatever it answers.
 * @param url of the server, from what Docker says of the container.
 * @returns the URL that answered.
 * @throws Error with the container's state and output if the container ended, or does not answer within two minutes.
 */
export async function untilItAnswers(
  container: Docker.Container,
  url: (container: Docker.ContainerInspectInfo) => string,
): Promise<string> {
  const deadline = Date.now() + PATIENCE;
  for (let problem: unknown; ; await sleep(100)) {
    const inspected = await container.inspect();
    const address = url(inspected);
    try {
      await fetch(address, { signal: AbortSignal.timeout(TRY) });
      return address;
    } catch (error) {
      problem = (error as Error).cause ?? error;
    }
    if (inspected.State.Running && Date.now() < deadline) continue;
    const output = await container.logs({ stdout: true, stderr: true, tail: 20 });
    throw new Error(`${address} does not answer: ${problem}; ${JSON.stringify(inspected.State)}\n${output}`);
  }
}
