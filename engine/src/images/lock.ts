import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, ownProcess } from "../store/process.ts";
import { onEarlyExit } from "./host.ts";

export interface Waiting {
  /** Gets a line for whom this process waits, and what becomes of it. */
  report?: (line: string) => void;
  /** Milliseconds before it says so again. */
  interval?: number;
  /** Milliseconds until it works beside an owner that may hang: only for work that this does not harm. */
  limit?: number;
}

/**
 * Runs `work` while no other process of this user holds the lock `name`. A lock whose owner has died is taken over,
 * which in a shared temporary folder only the same user may do.
 */
export async function withLock<T>(name: string, work: () => Promise<T>, waiting: Waiting = {}): Promise<T> {
  const path = join(tmpdir(), `stackline-${process.getuid?.() ?? ""}-${name.replace(/\W+/g, "-")}.held`);
  if (!(await waitFor(path, name, waiting))) return work();
  const done = onEarlyExit(() => rmSync(path, { force: true }));
  try {
    return await work();
  } finally {
    done();
    await rm(path, { force: true });
  }
}

/** Takes the lock when its owner releases it or has died; false if it still holds it after the limit. */
async function waitFor(
  path: string,
  name: string,
  { report = () => {}, interval = 30_000, limit = Number.POSITIVE_INFINITY }: Waiting,
): Promise<boolean> {
  const started = Date.now();
  // Short waits are not worth a line.
  for (let next = started + Math.min(interval, 1000); !(await take(path)); ) {
    const owner = await ownerOf(path);
    if (owner === undefined) continue;
    if (!isAlive(owner)) {
      await rm(path, { force: true });
      report(`${name}: ${describe(owner)} has ended without releasing it; taking over`);
      continue;
    }
    const waited = Date.now() - started;
    if (waited >= limit) {
      report(
        `${name}: ${describe(owner)} has not released it for ${seconds(limit)}; no longer waiting for it`,
      );
      return false;
    }
    if (Date.now() >= next) {
      report(
        `${name}: waiting for ${describe(owner)}, which uses it${waited > interval ? `, for ${seconds(waited)}` : ""}`,
      );
      next = Date.now() + interval;
    }
    await sleep(Math.min(300, interval));
  }
  return true;
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)} s`;

const describe = (owner: string): string =>
  owner === ownProcess() ? "another step of this run" : `process ${owner.split(".")[0]}`;

/** Creates the lock file atomically, with its owner as content. */
async function take(path: string): Promise<boolean> {
  const own = `${path}.${randomUUID()}`;
  await writeFile(own, ownProcess());
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(own);
  }
}

/** Undefined if the owner has just finished. */
async function ownerOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
