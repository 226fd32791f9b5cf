import { DockerConnectionError } from "../client/connection-error.ts";
import { ExecError, UserError } from "../core/errors.ts";
import { serviceKey } from "../core/keys.ts";
import type { ContainerState, ServiceValue } from "../core/values.ts";
import { serviceHostname } from "./hostname.ts";
import type { Run, ServicePool } from "./run.ts";
import type { HeldServices, RunningService, Watched } from "./running.ts";
import { startService } from "./service.ts";

/** How long a service keeps running after its last user, in milliseconds: the next step often needs it again. */
const GRACE = 10_000;

interface Slot {
  service: ServiceValue;
  started: Promise<RunningService>;
  users: number;
  timer?: NodeJS.Timeout;
}

/** A service in use until it is released. */
export interface HeldService {
  running: RunningService;
  release(): void;
}

/** The services of a session: each runs once for all its users, and stops some seconds after the last one releases it. */
export class Services implements ServicePool {
  private readonly slots = new Map<string, Slot>();

  constructor(private readonly run: Run) {}

  /** Runs `use` while all services that a container is bound to are up and healthy. */
  async withBindings<T>(
    state: ContainerState,
    use: (bindings: HeldServices["bindings"]) => Promise<T>,
  ): Promise<T> {
    const { bindings, release } = await this.acquireAll(state);
    try {
      return await use(bindings);
    } finally {
      release();
    }
  }

  /** Starts the services that a container is bound to, in parallel. The first that fails ends it: the others need not get ready. */
  async acquireAll(state: ContainerState): Promise<HeldServices> {
    const acquiring = state.bindings.map(([alias, service]) =>
      this.acquire(service).catch((error) => {
        throw bindingError(alias, service, error);
      }),
    );
    const held = await Promise.all(acquiring).catch((failure) => {
      for (const service of acquiring) service.then(({ release }) => release()).catch(() => undefined);
      throw failure;
    });
    const release = (): void => {
      for (const service of held) service.release();
    };
    const hosts = state.bindings.flatMap(([alias, service], i) =>
      namesOf(alias, service).map((name) => `${name}:${held[i]?.running.ip}`),
    );
    const network = await this.run.network.current();
    const watch = (onEnd: () => void): Watched => watchServices(state, held, onEnd);
    return { bindings: { hosts, watch, ...(network && { network }) }, release };
  }

  async acquire(service: ServiceValue): Promise<HeldService> {
    const key = serviceKey(service);
    const slot = this.slots.get(key) ?? this.open(key, service);
    slot.users++;
    clearTimeout(slot.timer);
    let isHeld = true;
    const release = (): void => {
      if (isHeld && --slot.users === 0) this.endLater(key, slot);
      isHeld = false;
    };
    return { running: await slot.started, release };
  }

  /** A service that was started and has not ended. */
  async find(service: ServiceValue): Promise<RunningService | undefined> {
    return this.slots.get(serviceKey(service))?.started;
  }

  /** The services that were started and have not ended, by their host names. */
  hostnames(): Map<string, Promise<RunningService>> {
    return new Map([...this.slots.values()].map((slot) => [serviceHostname(slot.service), slot.started]));
  }

  /** Stops a service now, even if it is in use. */
  async stop(service: ServiceValue, kill: boolean): Promise<void> {
    const key = serviceKey(service);
    const slot = this.slots.get(key);
    if (slot) await this.end(key, slot, kill);
  }

  /** Kills all services. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.slots].map(([key, slot]) => this.end(key, slot, true)));
  }

  private open(key: string, service: ServiceValue): Slot {
    const slot: Slot = { service, users: 0, started: startService(this.run, service) };
    this.slots.set(key, slot);
    // A service that failed or ended by itself is started again for the next user.
    slot.started
      .then(({ ended }) => ended.then(() => this.forget(key, slot)))
      .catch(() => this.forget(key, slot));
    return slot;
  }

  private forget(key: string, slot: Slot): void {
    clearTimeout(slot.timer);
    if (this.slots.get(key) === slot) this.slots.delete(key);
  }

  private endLater(key: string, slot: Slot): void {
    slot.timer = setTimeout(() => this.run.work.background(this.end(key, slot, false)), GRACE);
    slot.timer.unref();
  }

  private async end(key: string, slot: Slot, kill: boolean): Promise<void> {
    this.forget(key, slot);
    await (await slot.started).stop(kill);
  }
}

const shownAs = (alias: string, service: ServiceValue): string =>
  `${serviceHostname(service)} (aliased as ${alias})`;

/** A failed start, with the names of the service. */
function bindingError(alias: string, service: ServiceValue, error: unknown): unknown {
  const start = `start ${shownAs(alias, service)}`;
  if (error instanceof ExecError) {
    const { cmd, exitCode, stdout, stderr, message } = error;
    return new ExecError(cmd, exitCode, stdout, stderr, `${start}: exit code: ${exitCode}: ${message}`);
  }
  // What waits for Docker knows it by its class.
  const isOwn = error instanceof UserError && !(error instanceof DockerConnectionError);
  return isOwn ? new UserError(`${start}: ${error.message}`) : error;
}

/** Docker resolves the names of containers, but a service of the host has none. */
function namesOf(alias: string, service: ServiceValue): string[] {
  return service.forward?.kind === "host" ? [alias, serviceHostname(service)] : [alias];
}

function watchServices({ bindings }: ContainerState, held: HeldService[], onEnd: () => void): Watched {
  let failure: string | undefined;
  for (const [i, { running }] of held.entries()) {
    void running.ended.then((cause) => {
      const [alias, service] = bindings[i] as ContainerState["bindings"][number];
      failure ??= `bound service ${shownAs(alias, service)} exited while it was in use: ${cause}`;
      onEnd();
    });
  }
  return {
    failure: () => failure,
    check() {
      if (failure) throw new UserError(failure);
    },
  };
}
