import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import { type ContainerState, type ServiceValue, serviceKey } from "../core/values.ts";
import type { Session } from "../session/session.ts";
import { prepareContainer } from "./create.ts";
import { startContainer } from "./exec.ts";
import { waitUntilReady } from "./health.ts";
import { captureOutput } from "./output.ts";

/** How long a service outlives its last user, in milliseconds: the next step of a chain often needs it again. */
const GRACE = 10_000;

/** How long a service may take to stop by itself before it is killed, in seconds. */
const STOP_TIMEOUT = 10;

export interface RunningService {
  container: Docker.Container;
  ip: string;
  stop(kill: boolean): Promise<void>;
}

interface Slot {
  started: Promise<RunningService>;
  users: number;
  timer?: NodeJS.Timeout;
}

/** Where a process finds the services that it is bound to. */
export interface Bindings {
  network?: string;
  hosts: string[];
}

/** The services of a session: each runs once, however many use it, and ends some seconds after the last. */
export class Services {
  private readonly slots = new Map<string, Slot>();

  constructor(private readonly session: Session) {}

  /** Runs `use` while all services that a container is bound to are up and healthy. */
  async withBindings<T>(state: ContainerState, use: (bindings: Bindings) => Promise<T>): Promise<T> {
    const acquired = await this.acquireAll(state);
    try {
      return await use(acquired.bindings);
    } finally {
      acquired.release();
    }
  }

  /** Starts what a container is bound to, side by side. */
  private async acquireAll(state: ContainerState): Promise<{ bindings: Bindings; release(): void }> {
    const services = state.bindings.map(([, service]) => service);
    const results = await Promise.allSettled(services.map((service) => this.acquire(service)));
    const release = (): void => {
      for (const [i, result] of results.entries())
        if (result.status === "fulfilled") this.release(services[i] as ServiceValue);
    };
    const failure = results.find((result) => result.status === "rejected");
    if (failure) {
      release();
      throw failure.reason;
    }
    const ips = results.map((result) => (result as PromiseFulfilledResult<RunningService>).value.ip);
    const hosts = state.bindings.map(([alias], i) => `${alias}:${ips[i]}`);
    const network = await this.session.currentNetwork();
    return { bindings: { hosts, ...(network && { network }) }, release };
  }

  async acquire(service: ServiceValue): Promise<RunningService> {
    const key = serviceKey(service);
    let slot = this.slots.get(key);
    if (!slot) {
      slot = { users: 0, started: this.start(service) };
      this.slots.set(key, slot);
      slot.started.catch(() => this.slots.delete(key));
    }
    slot.users++;
    clearTimeout(slot.timer);
    return slot.started;
  }

  release(service: ServiceValue): void {
    const slot = this.slots.get(serviceKey(service));
    if (!slot || --slot.users > 0) return;
    slot.timer = setTimeout(() => void this.stop(service, false).catch(() => undefined), GRACE);
    slot.timer.unref();
  }

  async stop(service: ServiceValue, kill: boolean): Promise<void> {
    const key = serviceKey(service);
    const slot = this.slots.get(key);
    if (!slot) return;
    this.slots.delete(key);
    clearTimeout(slot.timer);
    await (await slot.started).stop(kill);
  }

  /** Stops all services at once; nothing that they still print or need matters any more. */
  async close(): Promise<void> {
    const slots = [...this.slots.values()];
    this.slots.clear();
    await Promise.allSettled(
      slots.map(async (slot) => {
        clearTimeout(slot.timer);
        await (await slot.started).stop(true);
      }),
    );
  }

  private async start(service: ServiceValue): Promise<RunningService> {
    const { session } = this;
    const name = service.command.join(" ").slice(0, 100);
    return session.progress.step(
      `service ${name}`,
      async (step) => {
        const network = await session.ensureNetwork();
        const own = await this.acquireAll(service.container);
        const prepared = await prepareContainer(session, service.container, {
          command: service.command,
          privileged: service.privileged,
          noInit: service.noInit,
          stdin: false,
          network,
          hosts: own.bindings.hosts,
        }).catch((error) => {
          own.release();
          throw error;
        });
        const dispose = async (): Promise<void> => {
          await prepared.dispose();
          own.release();
        };
        try {
          const secrets = await session.secrets.plaintextsOf(service.container);
          const stream = await prepared.container.attach({ stream: true, stdout: true, stderr: true });
          let tail = "";
          void captureOutput(session.docker, stream, secrets, (text) => {
            tail = (tail + text).slice(-16_384);
            step.log(text);
          });
          await connectAlias(session, prepared.container, network, service);
          await startContainer(prepared.container, service.command);
          const ip = await containerIp(prepared.container, network);
          await waitUntilReady(session, prepared.container, ip, service).catch((error: Error) => {
            throw new UserError(`service ${name} did not become ready: ${error.message}${lastLines(tail)}`);
          });
          return {
            container: prepared.container,
            ip,
            stop: (kill) => stopContainer(prepared.container, kill).finally(dispose),
          };
        } catch (error) {
          await dispose();
          throw error;
        }
      },
      true,
    );
  }
}

function lastLines(text: string): string {
  const lines = text.trimEnd().split("\n").slice(-12).join("\n");
  return lines === "" ? " (it printed nothing)" : `\nIts last lines:\n${lines}`;
}

async function stopContainer(container: Docker.Container, kill: boolean): Promise<void> {
  if (kill) await container.kill().catch(() => undefined);
  else await container.stop({ t: STOP_TIMEOUT }).catch(() => undefined);
}

async function connectAlias(
  session: Session,
  container: Docker.Container,
  network: string,
  service: ServiceValue,
): Promise<void> {
  const net = session.docker.getNetwork(network);
  await net.disconnect({ Container: container.id, Force: true }).catch(() => undefined);
  await net.connect({ Container: container.id, EndpointConfig: { Aliases: [serviceHostname(service)] } });
}

async function containerIp(container: Docker.Container, network: string): Promise<string> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const { NetworkSettings, State } = await container.inspect();
    const ip = NetworkSettings.Networks[network]?.IPAddress;
    if (ip || !State.Running) return ip ?? "";
    await sleep(50);
  }
  return "";
}

/** A service's name in the session's network: its own, or one derived from what it is. */
export function serviceHostname(service: ServiceValue): string {
  if (service.hostname) return service.hostname;
  const hash = createHash("sha256").update(serviceKey(service)).digest();
  return [...hash.subarray(0, 13)].map((byte) => "abcdefghijklmnopqrstuv0123456789"[byte % 32]).join("");
}
