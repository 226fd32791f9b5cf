import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, ownProcess } from "../store/process.ts";
import { onEarlyExit } from "./host.ts";

/**
 * Runs `work` while no other process of this machine works on `name`. A lock whose owner has died is taken over.
 * It saves double work only: builds are tagged at their end, so two at once would do no harm.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const path = join(tmpdir(), `stackline-${name.replace(/\W+/g, "-")}.held`);
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

/** Puts a file there in one go, with its owner in it. */
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
    // Its owner has just finished: whoever asks tries again.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
}
