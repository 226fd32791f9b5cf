import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import type { ContainerState, SecretValue, ServiceValue } from "../core/values.ts";
import type { Store } from "../store/store.ts";
import type { Entry } from "../store/tree.ts";
import type { HeldServices, RunningService } from "./running.ts";

/**
 * What this layer needs of a run of the engine. A session implements it from the parts below; each function takes
 * the parts that it uses.
 */
export interface Run {
  readonly id: string;
  readonly docker: Docker;
  readonly store: Store;
  readonly work: WorkTracker;
  readonly progress: ProgressLog;
  readonly secrets: SecretSource;
  readonly hostFiles: HostFileSpace;
  readonly network: SharedNetwork;
  readonly services: ServicePool;
  readonly terminal: UserTerminal;
  /** Labels of everything that the run creates in Docker and has to remove again. */
  readonly labels: Record<string, string>;
  /** Runs heavy work, as much at a time as the machine has cores. */
  limit<T>(work: () => Promise<T>): Promise<T>;
  /** Creates a container that is removed with the run at the latest. */
  createContainer(options: Docker.ContainerCreateOptions): Promise<Docker.Container>;
}

/** For functions that make images: the store remembers which image came from which inputs. */
export type ImageMaking = Pick<Run, "docker" | "store" | "work" | "createContainer">;

/** For functions that look into an image's files. */
export type ImageReading = Pick<Run, "store" | "work" | "createContainer">;

/** For functions that prepare a container's mounts. */
export type Mounting = ImageMaking & Pick<Run, "labels" | "hostFiles" | "secrets" | "progress">;

export interface WorkTracker {
  /** Aborts when the run ends. */
  readonly signal: AbortSignal;
  /** Runs `work`, or shares the result of equal work that is already running. */
  once<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** The result of `make` for a key, cached for the run. */
  keep<T>(key: string, make: () => Promise<T>): Promise<T>;
  /** Runs work in the background: only the end of the run waits for it, and a failure is ignored. */
  background(work: Promise<unknown>): void;
  /** Rejects when the run ends. */
  untilClosed(): Promise<never>;
}

/** One step of the run, as it reports on itself. */
export interface Step {
  /** Marks the step as a cache hit. */
  cached(): void;
  /** Adds to the step's output, in any pieces. */
  log(text: string): void;
  /** A line about the step, not of its output. */
  note(line: string): void;
}

export interface ProgressLog {
  note(line: string): void;
  /** Shows a line once per run. */
  once(line: string): void;
  step<T>(name: string, run: (step: Step) => Promise<T>, background?: boolean): Promise<T>;
}

export interface SecretSource {
  /**
   * A secret need not be text.
   * @throws UserError that names the source, never the value.
   */
  plaintext(secret: SecretValue): Promise<Buffer>;
  /** Every plaintext that a container is given: none of them may show in its output. */
  plaintextsOf(state: ContainerState): Promise<Buffer[]>;
}

export interface Ownership {
  uid?: number;
  gid?: number;
  mode?: number;
}

/** Host files that are bind-mounted into containers. */
export interface HostFileSpace {
  /** Writes a secret to memory and returns its path. */
  secret(plaintext: Buffer, ownership: Ownership): string;
  /** A socket that leads to another one, with an owner of its own. */
  socket(target: string, ownership: Ownership): Promise<{ path: string; close(): Promise<void> }>;
  /** A copy of a file, for a container that may write to it. */
  place(entry: Entry): string;
}

/** The network that services and their users share; created when first needed. */
export interface SharedNetwork {
  /** Its name. */
  ensure(): Promise<string>;
  /** Its name, if it exists yet. */
  current(): Promise<string | undefined>;
  /** An address at which containers reach this machine, and at which none of the ports is reserved. */
  reserve(ports: readonly number[]): Promise<{ address: string; release(): void }>;
}

/** The user's terminal, as a program in a container uses it. */
export interface Screen {
  connect(stream: Duplex): void;
  /** Calls back now and whenever the size changes. */
  onSize(resize: (size: { h: number; w: number }) => void): void;
}

/** The terminal of the user who started this process, if there is one. */
export interface UserTerminal {
  /** @throws UserError if there is none. */
  require(): void;
  /** Runs a program at it when no other one does. */
  use<T>(run: (screen: Screen) => Promise<T>): Promise<T>;
}

/** Services: each runs once, however many use it. */
export interface ServicePool {
  acquire(service: ServiceValue): Promise<{ running: RunningService; release(): void }>;
  acquireAll(state: ContainerState): Promise<HeldServices>;
  /** The services that run, by their host names. */
  hostnames(): Map<string, Promise<RunningService>>;
  withBindings<T>(state: ContainerState, use: (bindings: HeldServices["bindings"]) => Promise<T>): Promise<T>;
}
