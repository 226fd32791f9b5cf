import { posix } from "node:path";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import type { ContainerState, Mount } from "../core/values.ts";
import { unpackTree } from "../store/archive.ts";
import type { Store } from "../store/store.ts";
import { type Entry, normalise, Tree } from "../store/tree.ts";
import { holdCache } from "./caches.ts";
import { giveOwners, type OwnedFile } from "./owners.ts";
import { mountAt } from "./paths.ts";
import { putTree } from "./put.ts";
import type { Mounting } from "./run.ts";
import { ENV_FILE, secretEnvScript } from "./secret-env.ts";
import { mountTree, readOnlyVolume } from "./volumes.ts";

/** A state's mounts in Docker's form, and the volumes and files to fill before the run and to read back after it. */
export interface PlacedMounts {
  binds: string[];
  tmpfs: Record<string, string>;
  /** Volumes that hold mounted directories. */
  volumes: { mount: Mount; name: string }[];
  /** Mounted files that the process may write to. */
  files: Mount[];
  /** Host files of mounted files and secrets. */
  owned: OwnedFile[];
  /** Relative paths of mounts inside another mount, by that mount's path. */
  nested: Map<string, string[]>;
  dispose(): Promise<void>;
}

export async function placeMounts(run: Mounting, state: ContainerState): Promise<PlacedMounts> {
  const releases: (() => Promise<void>)[] = [];
  const mounts = state.mounts.filter((mount) => mountAt(state, mount.path) === mount);
  const placed: PlacedMounts = {
    binds: [],
    tmpfs: {},
    volumes: [],
    files: [],
    owned: [],
    nested: nestedPaths(mounts),
    dispose: async () => {
      await Promise.allSettled(releases.map((release) => release()));
    },
  };
  try {
    for (const mount of mounts) await placeMount(run, mount, placed, releases);
    await giveOwners(run, placed.owned);
    // Any user in the container may need to read it; on the host it is in a folder that only the engine can enter.
    if (state.secretEnv.length > 0) {
      const path = run.hostFiles.secret(await secretEnvScript(run.secrets, state), { mode: 0o444 });
      placed.binds.push(`${path}:${ENV_FILE}:ro`);
    }
    return placed;
  } catch (error) {
    await placed.dispose();
    throw error;
  }
}

function nestedPaths(mounts: readonly Mount[]): Map<string, string[]> {
  const inside = (outer: string): string[] =>
    mounts.flatMap(({ path }) => (path.startsWith(`${outer}/`) ? [path.slice(outer.length + 1)] : []));
  return new Map(mounts.map(({ path }) => [path, inside(path)]));
}

async function placeMount(
  run: Mounting,
  mount: Mount,
  placed: PlacedMounts,
  releases: (() => Promise<void>)[],
): Promise<void> {
  const { path } = mount;
  if (mount.kind === "directory" && mount.readOnly) {
    placed.binds.push(`${await readOnlyVolume(run, mount)}:${path}:nocopy,ro`);
  } else if (mount.kind === "directory") {
    const volume = await run.docker.createVolume({ Labels: run.labels });
    releases.push(() => volume.remove({ force: true }));
    placed.volumes.push({ mount, name: volume.name });
    placed.binds.push(`${volume.name}:${path}:nocopy`);
  } else if (mount.kind === "cache") {
    const { name, release } = await holdCache(run, mount);
    releases.push(release);
    placed.binds.push(`${name}:${path}:nocopy`);
  } else if (mount.kind === "file") {
    const entry = mount.entry as Entry;
    const from = run.hostFiles.place(entry);
    placed.owned.push({ path: from, ownership: entry });
    if (!mount.readOnly) placed.files.push(mount);
    placed.binds.push(`${from}:${path}${mount.readOnly ? ":ro" : ""}`);
  } else if (mount.kind === "secret") {
    const value = await run.secrets.plaintext(mount.secret as NonNullable<Mount["secret"]>);
    const from = run.hostFiles.secret(value, mount);
    placed.owned.push({ path: from, ownership: mount });
    placed.binds.push(`${from}:${path}:ro`);
  } else if (mount.kind === "socket") {
    const { path: from, close } = await openSocket(run, mount);
    releases.push(close);
    placed.binds.push(`${from}:${path}`);
  } else {
    placed.tmpfs[path] = `exec,mode=1777${mount.size ? `,size=${mount.size}` : ""}`;
  }
}

/** A socket of the host: as it is, or one with the owner that the mount gives it. */
async function openSocket(
  { hostFiles }: Pick<Mounting, "hostFiles">,
  { socket = "", uid, gid }: Mount,
): Promise<{ path: string; close(): Promise<void> }> {
  if (uid === undefined && gid === undefined) return { path: socket, close: async () => undefined };
  return hostFiles.socket(socket, { uid: uid ?? 0, gid: gid ?? 0 });
}

/** Copies mounted directories into their volumes, except paths that other mounts cover. */
export async function fillVolumes(
  store: Store,
  container: Docker.Container,
  { volumes, nested }: PlacedMounts,
): Promise<void> {
  for (const { mount } of volumes) {
    const hidden = nested.get(mount.path) ?? [];
    const tree = mountTree(mount, posix.basename(mount.path), hidden);
    await putTree(store, container, tree, posix.dirname(mount.path));
  }
}

/** Content of mounted directories and files after a run, by mount path. */
export type MountsAfter = Record<string, { tree?: [string, Entry][]; entry?: Entry }>;

/** Reads back what the process may have written. Mounts inside a directory are not part of it. */
export async function readMounts(
  store: Store,
  container: Docker.Container,
  { volumes, files, nested }: PlacedMounts,
): Promise<MountsAfter> {
  const result: MountsAfter = {};
  for (const { mount } of volumes) {
    const hidden = nested.get(mount.path) ?? [];
    const archive = (await container.getArchive({ path: `${mount.path}/.` })) as unknown as Readable;
    const after = await unpackTree(store, archive, hidden);
    const before = (mount.tree ?? Tree.empty).filter((path) => isHidden(path, hidden));
    result[mount.path] = { tree: after.merge("", before).toJSON() };
  }
  // Through Docker, because the file may be one that this user cannot read.
  for (const { path, entry } of files) {
    const archive = (await container.getArchive({ path })) as unknown as Readable;
    const after = (await unpackTree(store, archive)).toJSON()[0]?.[1];
    const { mtime } = entry as Entry;
    result[path] = { entry: { ...(entry as Entry), ...after, mtime } };
  }
  return result;
}

function isHidden(path: string, hidden: readonly string[]): boolean {
  return hidden.some((prefix) => path === normalise(prefix) || path.startsWith(`${normalise(prefix)}/`));
}
