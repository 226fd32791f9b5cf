import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { HealthcheckValue, ServiceValue } from "../core/values.ts";
import { parseDuration } from "./duration.ts";
import { followOutput, textSink } from "./output.ts";
import type { Run, SecretSource } from "./run.ts";
import { withSecretEnv } from "./secret-env.ts";

/** Timeout for a service without a health check to listen on its ports, in milliseconds. */
const PORT_TIMEOUT = 10 * 60_000;

/** Docker's defaults, which the official engine uses too: milliseconds and number of retries. */
const DEFAULTS = { interval: 5_000, timeout: 30_000, retries: 3 };

/**
 * Waits until a service passes its health check or, without one, until its TCP ports accept connections.
 * @param exited resolves with the cause when the process has ended.
 * @throws Error when the service ends, fails its check too often or does not listen in time.
 */
export async function waitUntilReady(
  run: Pick<Run, "work" | "secrets">,
  container: Docker.Container,
  ip: string,
  service: ServiceValue,
  exited: Promise<string>,
): Promise<void> {
  const waiting = new AbortController();
  const { healthcheck } = service.container;
  try {
    const ready = healthcheck
      ? passHealthcheck(run.secrets, container, service, healthcheck, waiting.signal)
      : acceptConnections(ip, service, waiting.signal);
    const failed = exited.then((cause) => {
      throw new Error(`${cause} before it was ready`);
    });
    await Promise.race([ready, failed, run.work.untilClosed()]);
  } finally {
    waiting.abort();
  }
}

async function acceptConnections(ip: string, service: ServiceValue, signal: AbortSignal): Promise<void> {
  const ports = service.container.ports.filter(
    (port) => port.protocol === "TCP" && !port.experimentalSkipHealthcheck,
  );
  const deadline = Date.now() + PORT_TIMEOUT;
  for (const { port } of ports) {
    for (let pause = 50; !(await canConnect(ip, port)); pause = Math.min(pause * 1.5, 1_000)) {
      if (signal.aborted) return;
      if (Date.now() > deadline)
        throw new Error(`nothing listens on port ${port} after ${PORT_TIMEOUT / 60_000} minutes`);
      await sleep(pause);
    }
  }
}

export function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket
      .on("connect", () => end(true))
      .on("timeout", () => end(false))
      .on("error", () => end(false));
  });
}

async function passHealthcheck(
  secrets: Pick<SecretSource, "plaintextsOf">,
  container: Docker.Container,
  service: ServiceValue,
  check: HealthcheckValue,
  signal: AbortSignal,
): Promise<void> {
  const pause = parseDuration(check.startInterval) || parseDuration(check.interval) || DEFAULTS.interval;
  const lenientUntil = Date.now() + parseDuration(check.startPeriod);
  let failures = 0;
  for (;;) {
    const result = await runCheck(secrets, container, service, check);
    if (result.exitCode === 0 || signal.aborted) return;
    if (Date.now() > lenientUntil) failures++;
    if (failures >= (check.retries || DEFAULTS.retries)) {
      throw new Error(
        `its healthcheck failed ${failures} times, last with: ${result.output.trim() || `exit code ${result.exitCode}`}`,
      );
    }
    await sleep(pause);
    if (signal.aborted) return;
  }
}

async function runCheck(
  secrets: Pick<SecretSource, "plaintextsOf">,
  container: Docker.Container,
  { container: state }: ServiceValue,
  check: HealthcheckValue,
): Promise<{ exitCode: number; output: string }> {
  const command = check.shell ? ["/bin/sh", "-c", ...check.args] : check.args;
  const timeout = parseDuration(check.timeout) || DEFAULTS.timeout;
  try {
    const exec = await container.exec({
      Cmd: withSecretEnv(state, command),
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: false });
    let output = "";
    const sink = textSink((text) => {
      output = (output + text).slice(-4_096);
    });
    const ended = followOutput(stream, await secrets.plaintextsOf(state), sink);
    const timer = new AbortController();
    const isDone = await Promise.race([
      ended.then(() => true),
      sleep(timeout, false, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    if (!isDone) {
      stream.destroy();
      return { exitCode: -1, output: `no answer within ${timeout / 1_000} s` };
    }
    return { exitCode: (await exec.inspect()).ExitCode ?? -1, output };
  } catch (error) {
    // A container that is exiting refuses execs; the caller notices that it exited.
    return { exitCode: -1, output: (error as Error).message };
  }
}
