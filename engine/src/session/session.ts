import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import type { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import { explainDocker } from "../docker/errors.ts";
import { containerName, removeSessionObjects, sessionLabels } from "../docker/labels.ts";
import { Services } from "../docker/services.ts";
import type { FunctionCall } from "../module/function-call.ts";
import type { Store } from "../store/store.ts";
import { type Evaluator, type Evaluators, evaluateCall } from "./evaluate.ts";
import { HostFiles, reapHostFiles } from "./host-files.ts";
import { limitTo } from "./limit.ts";
import { Progress, type ProgressView } from "./progress.ts";
import { Secrets } from "./secrets.ts";

/** How long the end of a session waits for its steps to notice, in milliseconds. */
const CLOSE_TIMEOUT = 10_000;

export interface SessionOptions {
  store: Store;
  view: ProgressView;
  evaluators: Evaluators;
  docker?: Docker;
  /** Folder that host paths are relative to. */
  workdir?: string;
  /** Evaluators of the fields that a loaded module defines. */
  moduleEvaluator?: (type: string, field: string) => Evaluator | undefined;
  /** Whether each selection of a field is a call of its own, never answered by an equal one. */
  runsAnew?: (type: string, field: string) => boolean;
}

/** One run of the engine: its connection to Docker, its secrets, its services, and what it has worked out so far. */
export class Session {
  readonly id = randomBytes(8).toString("hex");
  readonly docker: Docker;
  readonly store: Store;
  readonly progress: Progress;
  readonly secrets: Secrets;
  readonly hostFiles: HostFiles;
  readonly services = new Services(this);
  /** Runs heavy work, as many at a time as there are cores. */
  readonly limit = limitTo(Math.max(2, availableParallelism()));
  readonly workdir: string;
  /** Calls of a module's functions that are under way, by their IDs. */
  readonly functionCalls = new Map<string, FunctionCall>();
  /** Processes of this session. */
  readonly children = new Set<ChildProcess>();
  /** Resolves when the person at the terminal ends what goes on without an end of its own. */
  readonly interrupted: Promise<void>;
  interrupt!: () => void;
  readonly runsAnew: (type: string, field: string) => boolean;
  private readonly evaluators: Evaluators;
  private readonly moduleEvaluator: SessionOptions["moduleEvaluator"];
  private readonly values = new Map<string, Promise<unknown>>();
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly kept = new Map<string, Promise<unknown>>();
  private readonly tasks = new Set<Promise<unknown>>();
  private network?: Promise<string>;
  private readonly closing = new AbortController();
  private ended?: Promise<void>;

  constructor(options: SessionOptions) {
    this.docker = options.docker ?? new Docker();
    this.store = options.store;
    this.progress = new Progress(options.view);
    this.secrets = new Secrets(options.store);
    this.hostFiles = new HostFiles(options.store);
    this.workdir = options.workdir ?? process.cwd();
    this.evaluators = options.evaluators;
    this.moduleEvaluator = options.moduleEvaluator;
    this.runsAnew = options.runsAnew ?? (() => false);
    setMaxListeners(0, this.closing.signal);
    this.interrupted = new Promise((resolve) => {
      this.interrupt = resolve;
    });
  }

  /** Whether a field is the API's own, not a loaded module's. */
  isCoreField(type: string, field: string): boolean {
    return this.evaluators.has(`${type}.${field}`);
  }

  evaluatorOf(type: string, field: string): Evaluator | undefined {
    return this.evaluators.get(`${type}.${field}`) ?? this.moduleEvaluator?.(type, field);
  }

  get labels(): Record<string, string> {
    return sessionLabels(this.id);
  }

  /** Takes away what runs that were killed have left on this machine. */
  async reap(): Promise<void> {
    this.store.reap();
    reapHostFiles();
    await removeSessionObjects(this.docker).catch((error) => {
      throw explainDocker(error);
    });
  }

  /** A container that goes with the session at the latest. */
  async createContainer(options: Docker.ContainerCreateOptions): Promise<Docker.Container> {
    this.closing.signal.throwIfAborted();
    return this.docker.createContainer({ ...options, name: containerName(this.id), Labels: this.labels });
  }

  /** The value of a call; worked out once a session. */
  evaluate<T = unknown>(call: Call): Promise<T> {
    let value = this.values.get(call.digest);
    if (!value) {
      value = evaluateCall(this, call);
      this.values.set(call.digest, value);
      // A failure is not kept: what failed may go well when it is asked again.
      value.catch(() => this.values.delete(call.digest));
    }
    return value as Promise<T>;
  }

  /** Runs `work` unless the same is under way: then its result serves both. */
  once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const found = this.running.get(key) as Promise<T> | undefined;
    if (found) return found;
    this.closing.signal.throwIfAborted();
    const started = work().finally(() => this.running.delete(key));
    this.running.set(key, started);
    return started;
  }

  /** What `make` made for a key, for as long as the session lasts. */
  keep<T>(key: string, make: () => Promise<T>): Promise<T> {
    const found = this.kept.get(key) as Promise<T> | undefined;
    if (found) return found;
    const made = make();
    this.kept.set(key, made);
    made.catch(() => this.kept.delete(key));
    return made;
  }

  /** Lets work go on that nobody waits for before the session's end; its failure is nobody's. */
  background(work: Promise<unknown>): void {
    const task: Promise<unknown> = work.catch(() => undefined).finally(() => this.tasks.delete(task));
    this.tasks.add(task);
  }

  /** Rejects when the session ends: for what would wait on. */
  untilClosed(): Promise<never> {
    const { signal } = this.closing;
    return new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  /** Aborts when the session ends. */
  get signal(): AbortSignal {
    return this.closing.signal;
  }

  /** Name of the network that services and their users share; made when first needed. */
  ensureNetwork(): Promise<string> {
    this.network ??= this.createNetwork();
    return this.network;
  }

  /** This machine's address in that network. */
  async gateway(): Promise<string> {
    const { IPAM } = await this.docker.getNetwork(await this.ensureNetwork()).inspect();
    return IPAM?.Config?.[0]?.Gateway ?? "";
  }

  async currentNetwork(): Promise<string | undefined> {
    return this.network;
  }

  private async createNetwork(): Promise<string> {
    const name = `stackline-${this.id}`;
    await this.docker.createNetwork({ Name: name, Labels: this.labels, CheckDuplicate: true });
    return name;
  }

  /** Ends the session: its services stop, and nothing of it stays in Docker or in memory. */
  async close(): Promise<void> {
    this.ended ??= this.end();
    await this.ended;
  }

  private async end(): Promise<void> {
    this.closing.abort(new UserError("the session has ended"));
    this.interrupt();
    for (const child of this.children) child.kill();
    await this.services.close();
    await removeSessionObjects(this.docker, this.id).catch(() => undefined);
    // Steps under way fail now that their containers are gone; what they still made in Docker goes, too.
    const under = [...this.running.values(), ...this.tasks];
    if (under.length > 0) {
      const timer = new AbortController();
      await Promise.race([
        Promise.allSettled(under),
        sleep(CLOSE_TIMEOUT, undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
      await Promise.allSettled([...this.tasks]);
      await removeSessionObjects(this.docker, this.id).catch(() => undefined);
    }
    this.hostFiles.dispose();
  }
}
