import { posix } from "node:path";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import type { ContainerState, Content, FileSystem, Found, Mount } from "../core/values.ts";
import { unpackTree } from "../store/archive.ts";
import { digestOf, type Store } from "../store/store.ts";
import { type Entry, Tree } from "../store/tree.ts";
import { withIdleContainer } from "./bake.ts";
import { isNotFound } from "./errors.ts";
import { absolutePath, mountAt, realPath } from "./paths.ts";
import { putTree } from "./put.ts";
import type { ImageReading } from "./run.ts";
import { idleContainer, statPath } from "./stat.ts";

/**
 * Looks up a path in a container's file system as a process in it would see it; undefined if it does not exist.
 * @param last whether to follow a symbolic link at the path.
 */
export async function findPath(
  run: ImageReading,
  state: ContainerState,
  path: string,
  last = true,
): Promise<Found | undefined> {
  const absolute = absolutePath(state, path);
  // Docker follows links among a path's parents, but knows neither overlays nor mounts.
  const isPlain = state.overlays.length === 0 && state.mounts.length === 0;
  const real = isPlain ? absolute : await realPath(run, state, absolute, last);
  // As in the official engine, what a secret or a socket is mounted over stays readable.
  const mounts = state.mounts.filter(({ kind }) => kind !== "secret" && kind !== "socket");
  const mount = mountAt({ ...state, mounts }, real);
  const found = mount
    ? findInMount(mount, real.slice(mount.path.length + 1))
    : await findInFiles(run, state, real);
  if (isPlain && last && found && "entry" in found && found.entry.type === "link")
    return findLinked(run, state, real, found.entry);
  return found && { ...found, path: real };
}

/** A container's files, with its mounts. */
export function fileSystemOf(run: ImageReading, state: ContainerState): FileSystem {
  return { find: (path, last) => findPath(run, state, path, last) };
}

/** Docker names the final target of a link, unless there is none. */
async function findLinked(
  run: ImageReading,
  state: ContainerState,
  path: string,
  { target = "" }: Entry,
): Promise<Found | undefined> {
  const next = posix.resolve(posix.dirname(path), target);
  const found = await findInFiles(run, state, next);
  if (found && "entry" in found && found.entry.type === "link")
    throw new UserError(`${path}: its symbolic links form a cycle`);
  return found && { ...found, path: next };
}

function findInMount(mount: Mount, rest: string): Content | undefined {
  if (mount.kind === "file") return mount.entry && { entry: mount.entry };
  if (mount.kind !== "directory" || !mount.tree) {
    const path = posix.join(mount.path, rest);
    throw new UserError(`${path}: cannot retrieve path from ${mount.kind === "cache" ? "cache" : "tmpfs"}`);
  }
  return findInTree(mount.tree, rest);
}

export function findInTree(tree: Tree, path: string): Content | undefined {
  const entry = tree.get(path);
  if (entry && entry.type !== "dir") return { entry };
  return tree.isDirectory(path) ? { tree: tree.subtree(path) } : undefined;
}

/** A regular file in the topmost overlay is found directly; any other case is left to a real file system. */
async function findInFiles(
  run: ImageReading,
  state: ContainerState,
  absolute: string,
): Promise<Content | undefined> {
  if (!state.image)
    return findInTree(
      state.overlays.reduce((all, tree) => all.merge("", tree), Tree.empty),
      absolute,
    );
  const touching = state.overlays.filter((tree) => touches(tree, absolute));
  const top = touching[touching.length - 1]?.get(absolute);
  if (top?.type === "file") return { entry: top };
  return readImage(run, state.image, touching.length > 0 ? state.overlays : [], absolute);
}

/** Whether a tree has an entry at a path or below it, or a file in place of a parent. */
function touches(tree: Tree, path: string): boolean {
  if (tree.get(path) || (tree.isDirectory(path) && tree.paths.length > 0)) return true;
  for (let dir = posix.dirname(path); dir !== "/"; dir = posix.dirname(dir))
    if (tree.get(dir) && tree.get(dir)?.type !== "dir") return true;
  return false;
}

/** Cached content of a path of an image; `link` is the final target of a symbolic link. */
interface CachedFiles {
  entries: [string, Entry][];
  link?: string;
}

async function readImage(
  run: ImageReading,
  image: string,
  overlays: Tree[],
  path: string,
): Promise<Content | undefined> {
  const key = digestOf(
    "read",
    image,
    overlays.map((tree) => tree.digest),
    path,
  );
  const cached =
    run.store.getResult<CachedFiles>("files", key) ??
    (await run.work.once(`files ${key}`, () => readArchive(run, image, overlays, path)));
  await run.store.putResult("files", key, cached);
  const tree = Tree.fromJSON(cached.entries);
  if (path === "/") return { tree };
  // The archive contains the path under its base name, with everything below it; it is empty if the path does not exist.
  const found = tree.paths.length === 0 ? undefined : findInTree(tree, posix.basename(path));
  if (!cached.link || !found || !("entry" in found)) return found;
  return { entry: { ...found.entry, target: cached.link } };
}

async function readArchive(
  run: ImageReading,
  image: string,
  overlays: Tree[],
  path: string,
): Promise<CachedFiles> {
  if (overlays.length === 0) return readFrom(run.store, await idleContainer(run, image), path);
  return withIdleContainer(run, image, async (container) => {
    for (const overlay of overlays) await putTree(run.store, container, overlay);
    return readFrom(run.store, container, path);
  });
}

async function readFrom(store: Store, container: Docker.Container, path: string): Promise<CachedFiles> {
  try {
    const archive = (await container.getArchive({ path })) as unknown as Readable;
    const tree = await unpackTree(store, archive, addedByDocker(path));
    const isLink = tree.get(posix.basename(path))?.type === "link";
    const link = isLink ? (await statPath(container, path)).linkTarget : undefined;
    return { entries: tree.toJSON(), ...(link && { link }) };
  } catch (error) {
    if (isNotFound(error)) return { entries: [] };
    throw error;
  }
}

/** Files that Docker adds to every container that runs; no image of its own has them. */
const ADDED_BY_DOCKER = ["/.dockerenv", "/dev/console", "/sbin/docker-init", "/usr/sbin/docker-init"];

/** Their names in the archive of a path, which contains it under its base name. */
function addedByDocker(path: string): string[] {
  const parent = posix.dirname(path);
  return ADDED_BY_DOCKER.filter((file) => path === "/" || file.startsWith(`${path}/`)).map((file) =>
    posix.relative(path === "/" ? path : parent, file),
  );
}
