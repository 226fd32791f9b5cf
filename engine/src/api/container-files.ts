import { posix } from "node:path";
import { UserError } from "../core/errors.ts";
import type { ContainerState, DirectoryValue, FileValue, Mount } from "../core/values.ts";
import { mountAt, realPath, typeAt } from "../docker/paths.ts";
import { fileSystemOf, findPath } from "../docker/read.ts";
import { removePaths } from "../docker/remove.ts";
import type { Args, Evaluator, SessionContext } from "../session/context.ts";
import { matchingPaths } from "../store/patterns.ts";
import { newDirectory, newFile, newLink, Tree } from "../store/tree.ts";
import { maybeExpand } from "./container-config.ts";
import { target } from "./container-path.ts";
import { filtered } from "./filter.ts";
import { checkBareName } from "./names.ts";
import { changeOf, treeChangeOf } from "./owner.ts";

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

/** The state without mounts at a path, whose place something else takes. */
function unmounted(state: ContainerState, path: string): ContainerState {
  return { ...state, mounts: state.mounts.filter((mount) => mount.path !== path) };
}

/** Puts a file at a path; into a folder under its own name. */
async function withFile(
  session: SessionContext,
  given: ContainerState,
  args: Args,
  path: string,
  { name, entry }: FileValue,
): Promise<ContainerState> {
  const apply = await changeOf(session, args, fileSystemOf(session, given));
  const state = unmounted(given, target(given, args, path));
  const real = await realPath(session, state, target(state, args, path));
  const isFolder = /(^|\/)\.?$/.test(path) || (await typeAt(session, state, real)).type === "dir";
  // A link that leads to no folder is replaced.
  const placed = isFolder
    ? posix.join(real, name)
    : await realPath(session, state, target(state, args, path), false);
  return overlay(state, posix.dirname(placed), Tree.empty.with(posix.basename(placed), apply(entry)));
}

/** Removes paths and what matches patterns: from the mounted directory that contains them, else from the image. */
async function without(
  session: SessionContext,
  state: ContainerState,
  args: Args,
  paths: string[],
): Promise<ContainerState> {
  let result = state;
  const fromImage: string[] = [];
  for (const path of paths) {
    const absolute = target(result, args, path);
    result = unmounted(result, absolute);
    for (const found of await matches(session, result, absolute)) {
      const mount = mountAt(result, found);
      if (!mount) fromImage.push(found);
      else if (mount.kind === "directory") result = withoutIn(result, mount, found);
      else throw new UserError(`${path} is in a ${mount.kind} mount, which cannot be written to`);
    }
  }
  return fromImage.length > 0 ? removePaths(session, result, fromImage) : result;
}

function withoutIn(state: ContainerState, mount: Mount, path: string): ContainerState {
  const tree = mount.tree as Tree;
  const inside = tree.without(tree.realPath(path.slice(mount.path.length), false));
  return replaced(state, mount, { ...mount, tree: inside });
}

/** The paths that a pattern matches; a path without wildcards is itself. */
async function matches(session: SessionContext, state: ContainerState, path: string): Promise<string[]> {
  if (!path.includes("*")) return [path];
  const parts = path.split("/");
  const literal =
    parts
      .slice(
        0,
        parts.findIndex((part) => part.includes("*")),
      )
      .join("/") || "/";
  const found = await findPath(session, state, literal);
  if (!found || !("tree" in found)) return [];
  const pattern = path.slice(literal === "/" ? 1 : literal.length + 1);
  return matchingPaths(found.tree, pattern).map((name) => posix.join(found.path, name));
}

/** Fields of Container that add or remove files. */
export const containerFiles: Record<string, Evaluator> = {
  withDirectory: async (given: ContainerState, args, session) => {
    const source = await session.evaluate<DirectoryValue>(args.source);
    const apply = await treeChangeOf(session, args, fileSystemOf(session, given));
    const copied = await filtered(session, source, args);
    const state = given.mounts.some(({ path, kind }) => kind === "file" && path === target(given, args))
      ? unmounted(given, target(given, args))
      : given;
    const path = await realPath(session, state, target(state, args));
    const isEmpty = copied.paths.length === 0 && path !== "/";
    const under = isEmpty ? overlay(state, "/", Tree.empty.with(path, newDirectory())) : state;
    return overlay(under, path, apply(copied));
  },
  withFile: async (state: ContainerState, args, session) =>
    withFile(session, state, args, args.path, await session.evaluate<FileValue>(args.source)),
  withFiles: async (state: ContainerState, args, session) => {
    let result = state;
    for (const source of args.sources) {
      const file = await session.evaluate<FileValue>(source);
      result = await withFile(session, result, args, posix.join(args.path, file.name), file);
    }
    return result;
  },
  withNewFile: async (state: ContainerState, args, session) => {
    const name = posix.basename(target(state, args));
    checkBareName(name);
    const { digest, size } = await session.store.putBlob(args.contents);
    return withFile(session, state, args, args.path, {
      name,
      entry: newFile(digest, size, args.permissions || undefined),
    });
  },
  withSymlink: async (given: ContainerState, args, session) => {
    const state = unmounted(given, target(given, args, args.linkName));
    const path = await realPath(session, state, target(state, args, args.linkName), false);
    if ((await typeAt(session, state, path)).type !== "none")
      throw new UserError(`symlink ${args.target} ${args.linkName}: file exists`);
    return overlay(
      state,
      posix.dirname(path),
      Tree.empty.with(posix.basename(path), newLink(maybeExpand(state, args, args.target))),
    );
  },
  withRootfs: async (state: ContainerState, { directory }, session): Promise<ContainerState> => {
    const { tree } = await session.evaluate<DirectoryValue>(directory);
    const { image: _, ...rest } = state;
    return { ...rest, overlays: [tree] };
  },
  withoutFile: (state: ContainerState, args, session) => without(session, state, args, [args.path]),
  withoutFiles: (state: ContainerState, args, session) => without(session, state, args, args.paths),
  withoutDirectory: (state: ContainerState, args, session) => without(session, state, args, [args.path]),
};
