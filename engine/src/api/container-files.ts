import { posix } from "node:path";
import { UserError } from "../core/errors.ts";
import type {
  CacheVolumeValue,
  ContainerState,
  DirectoryValue,
  FileValue,
  Mount,
  SecretValue,
} from "../core/values.ts";
import { absolutePath, type Found, findPath, mountAt, resolveOwner } from "../docker/read.ts";
import { removePaths } from "../docker/remove.ts";
import type { Args, Evaluator } from "../session/evaluate.ts";
import type { Session } from "../session/session.ts";
import { filterTree } from "../store/patterns.ts";
import { type Entry, newFile, Tree } from "../store/tree.ts";
import { expandVariables } from "./container-config.ts";
import { statOf, typeOf } from "./stat.ts";

/** The path that a call means: variables filled in where asked for, relative to the working directory. */
function target(state: ContainerState, args: Args, path: string = args.path): string {
  return absolutePath(state, args.expand ? expandVariables(state, path) : path);
}

/** Lays a tree over a container at an absolute path: into a mounted directory where one is there, else over the image. */
function overlay(state: ContainerState, path: string, tree: Tree): ContainerState {
  const mount = mountAt(state, path);
  if (!mount) return { ...state, overlays: [...state.overlays, Tree.empty.merge(path, tree)] };
  if (mount.kind !== "directory")
    throw new UserError(`${path} lies in a ${mount.kind} mount: nothing can be put there`);
  const inside = (mount.tree as Tree).merge(path.slice(mount.path.length), tree);
  return replaced(state, mount, { ...mount, tree: inside });
}

function replaced(state: ContainerState, mount: Mount, by: Mount): ContainerState {
  return { ...state, mounts: state.mounts.map((m) => (m === mount ? by : m)) };
}

async function owned(session: Session, state: ContainerState, args: Args, entry: Entry): Promise<Entry> {
  const { uid, gid } = await resolveOwner(session, state, args.owner ?? "");
  const mode = args.permissions ?? entry.mode;
  return { ...entry, uid, gid, ...(entry.type === "file" && { mode }) };
}

async function withFile(
  session: Session,
  state: ContainerState,
  args: Args,
  path: string,
  entry: Entry,
): Promise<ContainerState> {
  const absolute = target(state, args, path);
  const placed = await owned(session, state, args, entry);
  const mount = mountAt(state, absolute);
  if (mount?.kind === "file") return replaced(state, mount, { ...mount, entry: placed });
  return overlay(state, posix.dirname(absolute), Tree.empty.with(posix.basename(absolute), placed));
}

/** A path that ends in a slash, or is known to be a directory, takes the file under its own name. */
function fileTarget(state: ContainerState, args: Args, { name }: FileValue): string {
  const absolute = target(state, args);
  const mount = mountAt(state, absolute);
  const isDirectory = mount
    ? mount.tree?.isDirectory(absolute.slice(mount.path.length))
    : state.overlays.some((tree) => tree.isDirectory(absolute));
  return args.path.endsWith("/") || isDirectory ? posix.join(args.path, name) : args.path;
}

/** Takes paths away: from the mounted directory that they lie in, else from the image. */
async function without(session: Session, state: ContainerState, paths: string[]): Promise<ContainerState> {
  let result = state;
  const fromImage: string[] = [];
  for (const path of paths) {
    const mount = mountAt(result, path);
    if (!mount) fromImage.push(path);
    else if (mount.kind === "directory" && path !== mount.path)
      result = replaced(result, mount, {
        ...mount,
        tree: (mount.tree as Tree).without(path.slice(mount.path.length)),
      });
    else throw new UserError(`${path} is a mount point: use withoutMount`);
  }
  return fromImage.length > 0 ? removePaths(session, result, fromImage) : result;
}

function mounted(state: ContainerState, mount: Mount): ContainerState {
  return { ...state, mounts: [...state.mounts.filter((m) => m.path !== mount.path), mount] };
}

async function ownership(
  session: Session,
  state: ContainerState,
  args: Args,
): Promise<{ uid?: number; gid?: number }> {
  return args.owner ? resolveOwner(session, state, args.owner) : {};
}

async function find(session: Session, state: ContainerState, args: Args): Promise<Found> {
  const path = target(state, args);
  const found = await findPath(session, state, path);
  if (!found) throw new UserError(`${path}: no such file or directory in the container`);
  return found;
}

/** Fields of Container that put files into it, mount things, or read what is there. */
export const containerFiles: Record<string, Evaluator> = {
  withDirectory: async (state: ContainerState, args, session) => {
    const { tree } = await session.evaluate<DirectoryValue>(args.source);
    const { uid, gid } = await resolveOwner(session, state, args.owner);
    const wanted = filterTree(tree, args).map((entry) => (args.owner ? { ...entry, uid, gid } : entry));
    const path = target(state, args);
    const root: Entry = { type: "dir", mode: args.permissions ?? 0o755, uid, gid, mtime: 0 };
    const needsRoot = args.owner !== "" || args.permissions != null || wanted.paths.length === 0;
    return overlay(
      needsRoot && path !== "/" ? overlay(state, "/", Tree.empty.with(path, root)) : state,
      path,
      wanted,
    );
  },
  withFile: async (state: ContainerState, args, session) => {
    const file = await session.evaluate<FileValue>(args.source);
    return withFile(session, state, args, fileTarget(state, args, file), file.entry);
  },
  withFiles: async (state: ContainerState, args, session) => {
    let result = state;
    for (const source of args.sources) {
      const file = await session.evaluate<FileValue>(source);
      result = await withFile(session, result, args, posix.join(args.path, file.name), file.entry);
    }
    return result;
  },
  withNewFile: async (state: ContainerState, args, session) => {
    const { digest, size } = await session.store.putBlob(args.contents);
    return withFile(session, state, args, args.path, newFile(digest, size, args.permissions));
  },
  withSymlink: (state: ContainerState, args) => {
    const path = target(state, args, args.linkName);
    const link: Entry = { type: "link", mode: 0o777, uid: 0, gid: 0, mtime: 0, target: args.target };
    return overlay(state, posix.dirname(path), Tree.empty.with(posix.basename(path), link));
  },
  withMountedDirectory: async (state: ContainerState, args, session) => {
    const { tree } = await session.evaluate<DirectoryValue>(args.source);
    const owner = await ownership(session, state, args);
    const content = args.owner ? tree.map((entry) => ({ ...entry, ...owner })) : tree;
    return mounted(state, {
      path: target(state, args),
      kind: "directory",
      tree: content,
      readOnly: args.readOnly,
      ...owner,
    });
  },
  withMountedFile: async (state: ContainerState, args, session) => {
    const { entry } = await session.evaluate<FileValue>(args.source);
    const owner = await ownership(session, state, args);
    return mounted(state, { path: target(state, args), kind: "file", entry: { ...entry, ...owner } });
  },
  withMountedCache: async (state: ContainerState, args, session) => {
    const cache = await session.evaluate<CacheVolumeValue>(args.cache);
    const source = args.source && (await session.evaluate<DirectoryValue>(args.source)).tree;
    const tree = source ?? cache.source;
    const owner = await ownership(session, state, { owner: args.owner || cache.owner });
    return mounted(state, {
      path: target(state, args),
      kind: "cache",
      cache: cache.key,
      sharing: args.sharing === "SHARED" ? (cache.sharing ?? "SHARED") : args.sharing,
      ...(tree && { tree }),
      ...owner,
    });
  },
  withMountedTemp: (state: ContainerState, args) =>
    mounted(state, { path: target(state, args), kind: "temp", ...(args.size && { size: args.size }) }),
  withMountedSecret: async (state: ContainerState, args, session) => {
    const secret = await session.evaluate<SecretValue>(args.source);
    const owner = await ownership(session, state, args);
    return mounted(state, { path: target(state, args), kind: "secret", secret, mode: args.mode, ...owner });
  },
  withUnixSocket: async (state: ContainerState, args, session) => {
    const { path } = await session.evaluate<{ path: string }>(args.source);
    return mounted(state, { path: target(state, args), kind: "socket", socket: path });
  },
  withoutMount: (state: ContainerState, args) => ({
    ...state,
    mounts: state.mounts.filter((m) => m.path !== target(state, args)),
  }),
  withoutUnixSocket: (state: ContainerState, args) => ({
    ...state,
    mounts: state.mounts.filter((m) => m.path !== target(state, args)),
  }),

  directory: async (state: ContainerState, args, session): Promise<DirectoryValue> => {
    const found = await find(session, state, args);
    if (!("tree" in found)) throw new UserError(`${args.path}: is a file, not a directory; ask for file`);
    return { tree: found.tree, name: posix.basename(target(state, args)) };
  },
  file: async (state: ContainerState, args, session): Promise<FileValue> => {
    const found = await find(session, state, args);
    if (!("entry" in found))
      throw new UserError(`${args.path}: is a directory, not a file; ask for directory`);
    return { name: posix.basename(target(state, args)), entry: found.entry };
  },
  rootfs: async (state: ContainerState, _args, session): Promise<DirectoryValue> => {
    const found = await findPath(session, { ...state, mounts: [] }, "/");
    return { tree: found && "tree" in found ? found.tree : Tree.empty };
  },
  withRootfs: async (state: ContainerState, { directory }, session): Promise<ContainerState> => {
    const { tree } = await session.evaluate<DirectoryValue>(directory);
    const { image: _, ...rest } = state;
    return { ...rest, overlays: [tree] };
  },
  exists: async (state: ContainerState, args, session) => {
    const found = await findPath(session, state, target(state, args), !args.doNotFollowSymlinks);
    if (!found || !args.expectedType) return Boolean(found);
    return args.expectedType === `${typeOf(found)}_TYPE`;
  },
  stat: async (state: ContainerState, args, session) => {
    const path = absolutePath(state, args.path);
    const found = await findPath(session, state, path, !args.doNotFollowSymlinks);
    return found ? statOf(posix.basename(path), found) : null;
  },
  withoutFile: (state: ContainerState, args, session) => without(session, state, [target(state, args)]),
  withoutFiles: (state: ContainerState, args, session) =>
    without(
      session,
      state,
      args.paths.map((path: string) => target(state, args, path)),
    ),
  withoutDirectory: (state: ContainerState, args, session) => without(session, state, [target(state, args)]),
};
