import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import type Docker from "dockerode";
import { readConfig } from "../client/config.ts";
import { connectDocker } from "../client/connect.ts";
import { loopbackProxies } from "../client/proxies.ts";
import type { Call } from "../core/call.ts";
import { containerName, removeSessionObjects, sessionLabels } from "../docker/labels.ts";
import { SessionNetwork } from "../docker/network.ts";
import { Services } from "../docker/services.ts";
import type { Store } from "../store/store.ts";
import type { Evaluator, Evaluators, FindResolver, Resolver, SessionContext } from "./context.ts";
import { evaluateCall } from "./evaluate.ts";
import type { FunctionCall } from "./function-call.ts";
import { HostFiles, reapHostFiles } from "./host-files.ts";
import { limitTo } from "./limit.ts";
import { Progress, type ProgressView } from "./progress.ts";
import { Reach } from "./reach.ts";
import { Secrets } from "./secrets.ts";
import { ProcessTerminal } from "./terminal.ts";
import { Work } from "./work.ts";

export interface SessionOptions {
  store: Store;
  view: ProgressView;
  evaluators: Evaluators;
  findResolver: FindResolver;
  docker?: Docker;
  /** Folder that host paths are relative to. */
  workdir?: string;
  /** Evaluators of the fields that a loaded module defines. */
  moduleEvaluator?: (type: string, field: string) => Evaluator | undefined;
  /** Whether each selection of a field is evaluated, even if it equals an earlier one. */
  runsAnew?: (type: string, field: string) => boolean;
}

/** One run of the engine: its connection to Docker, its secrets, its services, and the values evaluated so far. */
export class Session implements SessionContext {
  readonly id = randomBytes(8).toString("hex");
  readonly docker: Docker;
  readonly store: Store;
  readonly progress: Progress;
  readonly secrets: Secrets;
  readonly hostFiles: HostFiles;
  readonly network = new SessionNetwork(this);
  readonly services: Services = new Services(this);
  readonly work = new Work();
  readonly terminal: ProcessTerminal;
  readonly reach = new Reach();
  /** Runs heavy work, as many tasks at a time as the machine has cores. */
  readonly limit = limitTo(Math.max(2, availableParallelism()));
  readonly workdir: string;
  /** Running calls of a module's functions, by their IDs. */
  readonly functionCalls = new Map<string, FunctionCall>();
  /** Processes of this session. */
  readonly children = new Set<ChildProcess>();
  /** Resolves when the user stops a command that has no end of its own. */
  readonly interrupted: Promise<void>;
  interrupt!: () => void;
  readonly runsAnew: (type: string, field: string) => boolean;
  private readonly evaluators: Evaluators;
  private readonly findResolver: FindResolver;
  private readonly moduleEvaluator: SessionOptions["moduleEvaluator"];
  private readonly values = new Map<string, Promise<unknown>>();
  private ended?: Promise<void>;

  constructor(options: SessionOptions) {
    this.docker = options.docker ?? connectDocker();
    this.store = options.store;
    this.progress = new Progress(options.view);
    this.terminal = new ProcessTerminal(this.progress);
    this.secrets = new Secrets(options.store);
    this.hostFiles = new HostFiles(options.store);
    this.workdir = options.workdir ?? process.cwd();
    this.evaluators = options.evaluators;
    this.findResolver = options.findResolver;
    this.moduleEvaluator = options.moduleEvaluator;
    this.runsAnew = options.runsAnew ?? (() => false);
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

  resolverOf(type: string, field: string): Resolver | undefined {
    return this.findResolver(type, field);
  }

  get labels(): Record<string, string> {
    return sessionLabels(this.id);
  }

  /** Removes what killed runs left behind on this machine. */
  async reap(): Promise<void> {
    const { problem } = readConfig(process.env);
    if (problem) this.progress.note(problem);
    for (const name of loopbackProxies(process.env))
      this.progress.note(`${name} is a proxy on this machine's loopback address: containers do not get it`);
    this.store.reap();
    reapHostFiles();
    await removeSessionObjects(this.docker);
  }

  /** Creates a container that is removed at the end of the session at the latest. */
  async createContainer(options: Docker.ContainerCreateOptions): Promise<Docker.Container> {
    this.work.signal.throwIfAborted();
    return this.docker.createContainer({ ...options, name: containerName(this.id), Labels: this.labels });
  }

  /** The value of a call; evaluated once per session. */
  evaluate<T = unknown>(call: Call): Promise<T> {
    let value = this.values.get(call.digest);
    if (!value) {
      value = evaluateCall(this, call);
      this.values.set(call.digest, value);
      // A failure is not cached: a retry may succeed.
      value.catch(() => this.values.delete(call.digest));
    }
    return value as Promise<T>;
  }

  /** Ends the session: stops its services and removes its objects from Docker and its files from memory. */
  async close(): Promise<void> {
    this.ended ??= this.end();
    await this.ended;
  }

  private async end(): Promise<void> {
    this.work.close();
    this.interrupt();
    for (const child of this.children) child.kill();
    await this.services.close();
    await removeSessionObjects(this.docker, this.id).catch(() => undefined);
    // Running steps fail now that their containers are gone; remove what they still created in Docker.
    if (await this.work.settle()) await removeSessionObjects(this.docker, this.id).catch(() => undefined);
    this.hostFiles.dispose();
  }
}
