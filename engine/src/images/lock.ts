import { rmSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onEarlyExit } from "./host.ts";

/**
 * Runs `work` while no other process of this machine works on `name`. A lock whose owner has died is taken over.
 * It saves double work only: builds are tagged at their end, so two at once would do no harm.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const path = join(tmpdir(), `stackline-${name.replace(/\W+/g, "-")}.lock`);
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

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function ownerLives(path: string): Promise<boolean> {
  const owner = Number(await readFile(path, "utf8").catch(() => ""));
  // Empty for an instant while its owner writes it; gone when the owner has just finished.
  if (!owner)
    return sleep(200).then(async () => Boolean(Number(await readFile(path, "utf8").catch(() => "1"))));
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
