import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { ExecError, UserError } from "../core/errors.ts";
import type { ServiceValue } from "../core/values.ts";
import { exitCodeOf } from "../images/exit-code.ts";
import { type Prepared, prepareContainer } from "./create.ts";
import { startForward } from "./forward.ts";
import { waitUntilReady } from "./health.ts";
import { serviceHostname } from "./hostname.ts";
import { followOutput, textSink } from "./output.ts";
import { OutputTail } from "./output-tail.ts";
import { startContainer } from "./process.ts";
import type { Run } from "./run.ts";
import type { Bindings, RunningService } from "./running.ts";

/** Time for a service to stop before it is killed, in seconds. */
const STOP_TIMEOUT = 10;

/** Starts a service and the services that it is bound to, and waits until it is ready. */
export function startService(run: Run, service: ServiceValue): Promise<RunningService> {
  if (service.forward) return startForward(run, service.forward);
  const name = service.command.join(" ").slice(0, 100);
  return run.progress.step(
    `service ${name}`,
    async (step) => {
      const network = await run.network.ensure();
      const { bindings, release } = await run.services.acquireAll(service.container);
      let prepared: Prepared | undefined;
      const dispose = async (): Promise<void> => {
        await prepared?.dispose();
        release();
      };
      try {
        prepared = await prepareContainer(run, service.container, {
          command: service.command,
          privileged: service.privileged,
          noInit: service.noInit,
          stdin: false,
          network,
          aliases: [serviceHostname(service)],
          hosts: bindings.hosts,
        });
        return await becomeReady(run, service, prepared.container, {
          name,
          network,
          watch: bindings.watch,
          log: step.log,
          dispose,
        });
      } catch (error) {
        await dispose();
        throw error;
      }
    },
    true,
  );
}

interface Started {
  name: string;
  network: string;
  watch: Bindings["watch"];
  log(text: string): void;
  dispose(): Promise<void>;
}

async function becomeReady(
  run: Pick<Run, "work" | "secrets">,
  service: ServiceValue,
  container: Docker.Container,
  { name, network, watch, log, dispose }: Started,
): Promise<RunningService> {
  const secrets = await run.secrets.plaintextsOf(service.container);
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const output = new OutputTail();
  const show = textSink(log);
  const printed = followOutput(stream, secrets, (name, bytes) => {
    output.add(name, bytes);
    show(name, bytes);
  });
  const failure = await startContainer(container);
  if (failure)
    throw new UserError(`service ${name} could not be started: ${failure.message.toString().trim()}`);
  let exitCode: number | undefined;
  const exited = exitCodeOf(container).then(
    (code) => {
      exitCode = code;
      return `it ended with exit code: ${code}`;
    },
    () => "its container was removed",
  );
  // Without a service that it needs, it cannot go on.
  const watched = watch(() => container.kill().catch(() => undefined));
  const ended = exited.then(async (cause) => {
    await printed;
    return watched.failure() ?? `${cause}${output.lastLines()}`;
  });
  const ip = await containerIp(container, network);
  await waitUntilReady(run, container, ip, service, exited).catch(async (error: Error) => {
    // Its last output may not have arrived yet.
    await Promise.race([printed, sleep(error.message.startsWith("it ended") ? 2_000 : 0)]);
    const message = `service ${name} did not become ready: ${watched.failure() ?? error.message}${output.lastLines()}`;
    if (exitCode === undefined) throw new UserError(message);
    throw new ExecError(service.command, exitCode, output.of("stdout"), output.of("stderr"), message);
  });
  // Also cleans up after a service that ends by itself.
  run.work.background(ended.then(dispose));
  return { ip, container, ended, stop: (kill) => stopContainer(container, kill).then(dispose) };
}

async function stopContainer(container: Docker.Container, kill: boolean): Promise<void> {
  if (kill) await container.kill().catch(() => undefined);
  else await container.stop({ t: STOP_TIMEOUT }).catch(() => undefined);
}

async function containerIp(container: Docker.Container, network: string): Promise<string> {
  const { NetworkSettings } = await container.inspect();
  return NetworkSettings.Networks[network]?.IPAddress ?? "";
}
