import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, ownProcess } from "../store/process.ts";
import { onEarlyExit } from "./host.ts";

/**
 * Runs `work` while no other process of this user holds the lock `name`. A lock whose owner has died is taken over,
 * which in a shared temporary folder only the same user may do.
 * The lock only avoids duplicate work: builds are tagged at their end, so two concurrent builds do no harm.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const path = join(tmpdir(), `stackline-${process.getuid?.() ?? ""}-${name.replace(/\W+/g, "-")}.held`);
  while (!(await take(path))) {
    if (!(await ownerLives(path))) await rm(path, { force: true });
    else await sleep(300);
  }
  const done = onEarlyExit(() => rmSync(path, { force: true }));
  try {
    return await work();
  } finally {
    done();
    await rm(path, { force: true });
  }
}

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

async function ownerLives(path: string): Promise<boolean> {
  try {
    return isAlive(await readFile(path, "utf8"));
  } catch (error) {
    // The owner has just finished: the caller retries.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
}
