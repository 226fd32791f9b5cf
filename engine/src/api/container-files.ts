import { posix } from "node:path";
import { UserError } from "../core/errors.ts";
import type { ContainerState, DirectoryValue, FileValue, Mount } from "../core/values.ts";
import { mountAt, resolveOwner } from "../docker/read.ts";
import { removePaths } from "../docker/remove.ts";
import type { Args, Evaluator, SessionContext } from "../session/context.ts";
import { filterTree } from "../store/patterns.ts";
import { type Entry, newFile, Tree } from "../store/tree.ts";
import { target } from "./container-path.ts";

/** Lays a tree over an absolute path: over a mounted directory if the path is in one, else over the image. */
function overlay(state: ContainerState, path: string, tree: Tree): ContainerState {
  const mount = mountAt(state, path);
  if (!mount) return { ...state, overlays: [...state.overlays, Tree.empty.merge(path, tree)] };
  if (mount.kind !== "directory")
    throw new UserError(`${path} is in a ${mount.kind} mount, which cannot be written to`);
  const inside = (mount.tree as Tree).merge(path.slice(mount.path.length), tree);
  return replaced(state, mount, { ...mount, tree: inside });
}

function replaced(state: ContainerState, mount: Mount, by: Mount): ContainerState {
  return { ...state, mounts: state.mounts.map((m) => (m === mount ? by : m)) };
}

async function owned(
  session: SessionContext,
  state: ContainerState,
  args: Args,
  entry: Entry,
): Promise<Entry> {
  const { uid, gid } = await resolveOwner(session, state, args.owner ?? "");
  const mode = args.permissions ?? entry.mode;
  return { ...entry, uid, gid, ...(entry.type === "file" && { mode }) };
}

async function withFile(
  session: SessionContext,
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

/** In a path that ends in a slash, or is known to be a directory, the file keeps its name. */
function fileTarget(state: ContainerState, args: Args, { name }: FileValue): string {
  const absolute = target(state, args);
  const mount = mountAt(state, absolute);
  const isDirectory = mount
    ? mount.tree?.isDirectory(absolute.slice(mount.path.length))
    : state.overlays.some((tree) => tree.isDirectory(absolute));
  return args.path.endsWith("/") || isDirectory ? posix.join(args.path, name) : args.path;
}

/** Removes paths: from the mounted directory that contains them, else from the image. */
async function without(
  session: SessionContext,
  state: ContainerState,
  paths: string[],
): Promise<ContainerState> {
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

/** Fields of Container that add or remove files. */
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
  withRootfs: async (state: ContainerState, { directory }, session): Promise<ContainerState> => {
    const { tree } = await session.evaluate<DirectoryValue>(directory);
    const { image: _, ...rest } = state;
    return { ...rest, overlays: [tree] };
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
