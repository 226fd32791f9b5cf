import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../core/errors.ts";
import type { WorkTracker } from "../docker/run.ts";

/** How long closing waits for running work to stop, in milliseconds. */
const SETTLE_TIMEOUT = 10_000;

/** The running work of a session: equal work is shared, and all of it ends with the session. */
export class Work implements WorkTracker {
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly cached = new Map<string, Promise<unknown>>();
  private readonly tasks = new Set<Promise<unknown>>();
  private readonly closing = new AbortController();

  constructor() {
    setMaxListeners(0, this.closing.signal);
  }

  /** Aborts when the session ends. */
  get signal(): AbortSignal {
    return this.closing.signal;
  }

  /** Runs `work`, or shares the result of equal work that is already running. */
  once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const found = this.running.get(key) as Promise<T> | undefined;
    if (found) return found;
    this.signal.throwIfAborted();
    const started = work().finally(() => this.running.delete(key));
    this.running.set(key, started);
    return started;
  }

  /** The result of `make` for a key, cached for the session. */
  keep<T>(key: string, make: () => Promise<T>): Promise<T> {
    const found = this.cached.get(key) as Promise<T> | undefined;
    if (found) return found;
    const made = make();
    this.cached.set(key, made);
    made.catch(() => this.cached.delete(key));
    return made;
  }

  /** Runs work in the background: only the session's end waits for it, and a failure is ignored. */
  background(work: Promise<unknown>): void {
    const task: Promise<unknown> = work.catch(() => undefined).finally(() => this.tasks.delete(task));
    this.tasks.add(task);
  }

  /** Rejects when the session ends, to cancel waiting. */
  untilClosed(): Promise<never> {
    const { signal } = this;
    return new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  /** Starts nothing new from now on. */
  close(): void {
    this.closing.abort(new UserError("the session has ended"));
  }

  /** Waits briefly until running work has ended or failed; returns whether there was any. */
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
