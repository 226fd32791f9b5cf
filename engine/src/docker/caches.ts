import type Docker from "dockerode";
import { cacheIdentity } from "../core/keys.ts";
import type { Mount } from "../core/values.ts";
import { withLock } from "../images/lock.ts";
import { digestOf } from "../store/store.ts";
import { isNotFound } from "./errors.ts";
import type { ImageMaking, Run } from "./run.ts";
import { fillVolume } from "./volumes.ts";

/** A cache volume that a step may use until it releases it. */
export interface HeldCache {
  name: string;
  release(): Promise<void>;
}

/** Private cache volumes in use by steps of this process. */
const inUse = new Set<string>();

type Locking = ImageMaking & Pick<Run, "progress">;

/** The volume of a cache according to its sharing mode: shared, locked, or a private copy. */
export async function holdCache(run: Locking, mount: Mount): Promise<HeldCache> {
  const name = `stackline-cache-${digestOf(cacheIdentity(mount)).slice(0, 24)}`;
  if (mount.sharing === "PRIVATE") return holdPrivate(run, mount, name);
  if (mount.sharing === "LOCKED") return holdLocked(run, mount, name);
  await ensureVolume(run, mount, name);
  return { name, release: async () => undefined };
}

async function holdPrivate(run: ImageMaking, mount: Mount, base: string): Promise<HeldCache> {
  let name = base;
  for (let copy = 2; inUse.has(name); copy++) name = `${base}-${copy}`;
  inUse.add(name);
  await ensureVolume(run, mount, name);
  return {
    name,
    release: async () => {
      inUse.delete(name);
    },
  };
}

/** Waits until no other step on this machine uses the cache, in this process or another. */
async function holdLocked(run: Locking, mount: Mount, name: string): Promise<HeldCache> {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const ended = new Promise<void>((resolve, reject) => {
    const hold = async (): Promise<void> => {
      resolve();
      await released;
    };
    withLock(name, hold, { report: (line) => run.progress.note(line) }).catch(reject);
  });
  await ended;
  await ensureVolume(run, mount, name);
  return { name, release: async () => release() };
}

async function ensureVolume(run: ImageMaking, mount: Mount, name: string): Promise<void> {
  await run.work.once(`cache ${name}`, async () => {
    if (await exists(run.docker, name)) return;
    await run.docker.createVolume({
      Name: name,
      Labels: { "dev.stackline.cache": mount.cache as string },
    });
    if (mount.tree || mount.uid || mount.gid) await fillVolume(run, name, mount);
  });
}

async function exists(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getVolume(name).inspect();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
