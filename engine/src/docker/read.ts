import { posix } from "node:path";
import type { Readable } from "node:stream";
import { UserError } from "../core/errors.ts";
import type { ContainerState, Mount } from "../core/values.ts";
import type { Session } from "../session/session.ts";
import { unpackTree } from "../store/archive.ts";
import { digestOf } from "../store/store.ts";
import { type Entry, normalise, Tree } from "../store/tree.ts";
import { isNotFound } from "./errors.ts";

/** What stands at a path of a container: a file or link, or a directory's tree. */
export type Found = { entry: Entry } | { tree: Tree };

/** Looks a path up in a container's file system as a process in it would see it; undefined when nothing is there. */
export async function findPath(
  session: Session,
  state: ContainerState,
  path: string,
): Promise<Found | undefined> {
  const absolute = `/${normalise(absolutePath(state, path))}`;
  const mount = state.mounts
    .filter((m) => absolute === m.path || absolute.startsWith(`${m.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (mount) return findInMount(mount, absolute.slice(mount.path.length + 1));
  const base = await findInImage(session, state, absolute);
  return findInOverlays(state, absolute, base);
}

export function absolutePath(state: ContainerState, path: string): string {
  return posix.resolve(`/${normalise(state.workdir)}`, path);
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
  return tree.isDirectory(path) ? { tree: tree.subtree(path) } : undefined;
}

function findInOverlays(state: ContainerState, absolute: string, base: Found | undefined): Found | undefined {
  let found = base;
  for (const overlay of state.overlays) {
    const above = findInTree(overlay, absolute);
    if (!above || ("tree" in above && above.tree.paths.length === 0 && found)) continue;
    found = "tree" in above && found && "tree" in found ? { tree: found.tree.merge("", above.tree) } : above;
  }
  return found;
}

async function findInImage(
  session: Session,
  state: ContainerState,
  absolute: string,
): Promise<Found | undefined> {
  if (!state.image) return absolute === "/" ? { tree: Tree.empty } : undefined;
  const key = digestOf(state.image, absolute);
  const kept = session.store.getResult<[string, Entry][]>("files", key);
  const entries = kept ?? (await readImage(session, state.image, absolute));
  if (!kept) await session.store.putResult("files", key, entries);
  // The archive holds the path itself under its base name, with what is below it; nothing when the path is not there.
  const name = posix.basename(absolute);
  const tree = Tree.fromJSON(entries);
  if (absolute === "/") return { tree };
  const link = tree.get(name);
  if (link?.type === "link")
    return findInImage(session, state, posix.resolve(posix.dirname(absolute), link.target ?? ""));
  return tree.paths.length === 0 ? undefined : findInTree(tree, name);
}

async function readImage(session: Session, image: string, path: string): Promise<[string, Entry][]> {
  const container = await session.docker.createContainer({
    Image: image,
    Entrypoint: ["-"],
    Cmd: [],
    Labels: session.labels,
  });
  try {
    const archive = (await container.getArchive({ path })) as unknown as Readable;
    const tree = await unpackTree(session.store, archive);
    return tree.toJSON();
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Numbers of an owner "user[:group]" by the container's own passwd and group files. */
export async function resolveOwner(
  session: Session,
  state: ContainerState,
  owner: string,
): Promise<{ uid: number; gid: number }> {
  if (owner === "") return { uid: 0, gid: 0 };
  const [user = "", group] = owner.split(":");
  const account = /^\d+$/.test(user) ? undefined : await lookUp(session, state, "/etc/passwd", user);
  const uid = account ? Number(account[2]) : Number(user);
  if (group === undefined) return { uid, gid: account ? Number(account[3]) : uid };
  return {
    uid,
    gid: /^\d+$/.test(group) ? Number(group) : Number((await lookUp(session, state, "/etc/group", group))[2]),
  };
}

async function lookUp(
  session: Session,
  state: ContainerState,
  file: string,
  name: string,
): Promise<string[]> {
  const found = await findPath(session, state, file);
  const text =
    found && "entry" in found && found.entry.blob ? session.store.readBlobText(found.entry.blob) : "";
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
