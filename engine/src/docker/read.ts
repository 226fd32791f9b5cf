import { posix } from "node:path";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import type { ContainerState, Mount } from "../core/values.ts";
import { unpackTree } from "../store/archive.ts";
import { digestOf } from "../store/store.ts";
import { type Entry, normalise, Tree } from "../store/tree.ts";
import { withIdleContainer } from "./bake.ts";
import { isNotFound } from "./errors.ts";
import { putTree } from "./put.ts";
import type { ImageReading } from "./run.ts";

/** What is at a path of a container: a file or link, or a directory's tree. */
export type Found = { entry: Entry } | { tree: Tree; root?: Entry };

/** Maximum length of a chain of symbolic links, as in the kernel. */
const MAX_LINKS = 40;

/**
 * Looks up a path in a container's file system as a process in it would see it; undefined if it does not exist.
 * @param follow whether to resolve a symbolic link at the path.
 */
export async function findPath(
  run: ImageReading,
  state: ContainerState,
  path: string,
  follow = true,
  links = 0,
): Promise<Found | undefined> {
  const absolute = absolutePath(state, path);
  const mount = mountAt(state, absolute);
  const found = mount
    ? findInMount(mount, absolute.slice(mount.path.length + 1))
    : await findInFiles(run, state, absolute);
  if (!follow || !found || !("entry" in found) || found.entry.type !== "link") return found;
  if (links >= MAX_LINKS) throw new UserError(`${path}: its symbolic links form a cycle`);
  const next = posix.resolve(posix.dirname(absolute), found.entry.target ?? "");
  return findPath(run, state, next, follow, links + 1);
}

/** A path in a container: relative ones start from its working directory. */
export function absolutePath(state: ContainerState, path: string): string {
  return `/${normalise(posix.resolve(`/${normalise(state.workdir)}`, path))}`;
}

/** The innermost mount that contains a path. */
export function mountAt(state: ContainerState, absolute: string): Mount | undefined {
  return state.mounts
    .filter(({ path }) => absolute === path || absolute.startsWith(`${path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function findInMount(mount: Mount, rest: string): Found | undefined {
  if (mount.kind === "file") return mount.entry && { entry: mount.entry };
  if (mount.kind !== "directory" || !mount.tree) {
    throw new UserError(
      `cannot read ${mount.path}: a ${mount.kind} mount is not part of the container's files`,
    );
  }
  return findInTree(mount.tree, rest);
}

export function findInTree(tree: Tree, path: string): Found | undefined {
  const entry = tree.get(path);
  if (entry && entry.type !== "dir") return { entry };
  return tree.isDirectory(path) ? { tree: tree.subtree(path), ...(entry && { root: entry }) } : undefined;
}

/** A regular file in the topmost overlay is found directly; any other case is left to a real file system. */
async function findInFiles(
  run: ImageReading,
  state: ContainerState,
  absolute: string,
): Promise<Found | undefined> {
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
): Promise<Found | undefined> {
  const key = digestOf(
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

function readArchive(run: ImageReading, image: string, overlays: Tree[], path: string): Promise<CachedFiles> {
  return withIdleContainer(run, image, async (container) => {
    for (const overlay of overlays) await putTree(run.store, container, overlay);
    try {
      const archive = (await container.getArchive({ path })) as unknown as Readable;
      const tree = await unpackTree(run.store, archive, path === "/" ? ADDED_BY_DOCKER : []);
      const isLink = tree.get(posix.basename(path))?.type === "link";
      const link = isLink ? await linkTarget(container, path) : undefined;
      return { entries: tree.toJSON(), ...(link && { link }) };
    } catch (error) {
      if (isNotFound(error)) return { entries: [] };
      throw error;
    }
  });
}

/** Files that Docker adds to every container; no image has them. */
const ADDED_BY_DOCKER = [".dockerenv", "dev/console"];

/** A link's target as Docker resolves it, with links among its parents. */
async function linkTarget(container: Docker.Container, path: string): Promise<string | undefined> {
  return (await statPath(container, path)).linkTarget || undefined;
}

/** Docker's stat of a path; `linkTarget` is the final target of a symbolic link. */
export async function statPath(container: Docker.Container, path: string): Promise<{ linkTarget: string }> {
  const { headers } = (await container.infoArchive({ path })) as unknown as {
    headers: Record<string, string>;
  };
  return JSON.parse(Buffer.from(headers["x-docker-container-path-stat"] ?? "", "base64").toString());
}

/** UID and GID of an owner "user[:group]", from the container's passwd and group files. */
export async function resolveOwner(
  run: ImageReading,
  state: ContainerState,
  owner: string,
): Promise<{ uid: number; gid: number }> {
  if (owner === "") return { uid: 0, gid: 0 };
  const [user = "", group] = owner.split(":");
  const account = /^\d+$/.test(user) ? undefined : await lookUp(run, state, "/etc/passwd", user);
  const uid = account ? Number(account[2]) : Number(user);
  if (group === undefined) return { uid, gid: account ? Number(account[3]) : uid };
  return {
    uid,
    gid: /^\d+$/.test(group) ? Number(group) : Number((await lookUp(run, state, "/etc/group", group))[2]),
  };
}

async function lookUp(
  run: ImageReading,
  state: ContainerState,
  file: string,
  name: string,
): Promise<string[]> {
  const found = await findPath(run, state, file);
  const text = found && "entry" in found && found.entry.blob ? run.store.readBlobText(found.entry.blob) : "";
  const line = text
    .split("\n")
    .map((l) => l.split(":"))
    .find((fields) => fields[0] === name);
  if (!line)
    throw new UserError(
      `cannot find ${JSON.stringify(name)} in the container's ${file}: use a number, or add it`,
    );
  return line;
}
