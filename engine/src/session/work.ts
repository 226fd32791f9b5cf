import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../core/errors.ts";
import type { WorkTracker } from "../docker/run.ts";

/** How long the end waits for work under way to notice, in milliseconds. */
const SETTLE_TIMEOUT = 10_000;

/** What is under way in a session: the same is not done twice at a time, and all of it ends with the session. */
export class Work implements WorkTracker {
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly kept = new Map<string, Promise<unknown>>();
  private readonly tasks = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();

  constructor() {
    setMaxListeners(0, this.closing.signal);
  }

  /** Aborts when the session ends. */
  get signal(): AbortSignal {
    return this.closing.signal;
  }

  /** Runs `work` unless the same is under way: then its result serves both. */
  once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const found = this.running.get(key) as Promise<T> | undefined;
    if (found) return found;
    this.signal.throwIfAborted();
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
    const { signal } = this;
    return new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  /** From here on nothing new is begun. */
  close(): void {
    this.closing.abort(new UserError("the session has ended"));
  }

  /** Waits until what was under way has failed or ended, but not for long; tells whether there was anything. */
  async settle(): Promise<boolean> {
    const under = [...this.running.values(), ...this.tasks];
    if (under.length === 0) return false;
    const timer = new AbortController();
    await Promise.race([
      Promise.allSettled(under),
      sleep(SETTLE_TIMEOUT, undefined, { signal: timer.signal }).catch(() => undefined),
    ]);
    timer.abort();
    await Promise.allSettled([...this.tasks]);
    return true;
  }
}
