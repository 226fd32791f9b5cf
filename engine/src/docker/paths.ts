import { posix } from "node:path";
import type { ContainerState, Mount } from "../core/values.ts";
import { PathWalk } from "../store/path-walk.ts";
import { type Entry, normalise, type Tree } from "../store/tree.ts";
import type { ImageReading } from "./run.ts";
import { type PathInImage, statInImage } from "./stat.ts";

/** A path in a container: relative ones start from its working directory. */
export function absolutePath(state: ContainerState, path: string): string {
  return `/${normalise(posix.resolve(`/${normalise(state.workdir)}`, path))}`;
}

/** The innermost mount that contains a path. */
export function mountAt(state: ContainerState, absolute: string): Mount | undefined {
  // Of several at one path, the last is on top.
  return [...state.mounts]
    .reverse()
    .filter(({ path }) => absolute === path || absolute.startsWith(`${path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/**
 * A path in a container with its symbolic links followed, the last only if `last`: what is written to the container before
 * it runs is kept under its real path.
 */
export async function realPath(
  run: ImageReading,
  state: ContainerState,
  path: string,
  last = true,
): Promise<string> {
  const walk = new PathWalk(absolutePath(state, path), last);
  for (let next = walk.next; next !== undefined; next = walk.next)
    walk.pass(await typeAt(run, state, `/${next}`));
  return `/${walk.at}`;
}

/** What a container has at a path whose parents are no links. */
export async function typeAt(run: ImageReading, state: ContainerState, path: string): Promise<PathInImage> {
  if (path === "/") return { type: "dir" };
  const mount = mountAt(state, path);
  if (mount) return typeInMount(mount, path);
  // A mount point's parents are taken for folders.
  if (state.mounts.some((inner) => inner.path.startsWith(`${path}/`))) return { type: "dir" };
  return typeInFiles(run, state.image, state.overlays, path);
}

function typeInMount(mount: Mount, path: string): PathInImage {
  if (mount.kind === "directory") return typeInTree(mount.tree as Tree, path.slice(mount.path.length));
  return { type: path === mount.path && ["cache", "temp"].includes(mount.kind) ? "dir" : "file" };
}

function typeInTree(tree: Tree, path: string): PathInImage {
  const entry: Entry | undefined = tree.get(path);
  if (entry) return { type: entry.type, ...(entry.target !== undefined && { target: entry.target }) };
  return { type: tree.isDirectory(path) ? "dir" : "none" };
}

/** The topmost layer decides, but a folder that is laid over a link to one becomes part of that. */
async function typeInFiles(
  run: ImageReading,
  image: string | undefined,
  overlays: readonly Tree[],
  path: string,
): Promise<PathInImage> {
  const [top, ...lower] = [...overlays].reverse();
  if (!top) return image === undefined ? { type: "none" } : statInImage(run, image, path);
  const found = typeInTree(top, path);
  if (found.type === "file" || found.type === "link") return found;
  const below = await typeInFiles(run, image, lower.reverse(), path);
  return found.type === "dir" && below.type !== "link" ? found : below;
}
