import { posix } from "node:path";
import { UserError } from "../core/errors.ts";
import type { ContainerState, DirectoryValue, FileValue } from "../core/values.ts";
import { absolutePath, type Found, findPath } from "../docker/read.ts";
import type { Args, Evaluator, SessionContext } from "../session/context.ts";
import { Tree } from "../store/tree.ts";
import { target } from "./container-path.ts";
import { statOf, typeOf } from "./stat.ts";

async function find(session: SessionContext, state: ContainerState, args: Args): Promise<Found> {
  const path = target(state, args);
  const found = await findPath(session, state, path);
  if (!found) throw new UserError(`${path}: no such file or directory in the container`);
  return found;
}

/** Fields of Container that read its files. */
export const containerRead: Record<string, Evaluator> = {
  directory: async (state: ContainerState, args, session): Promise<DirectoryValue> => {
    const found = await find(session, state, args);
    if (!("tree" in found)) throw new UserError(`${args.path}: is a file, not a directory: select file`);
    return { tree: found.tree, name: posix.basename(target(state, args)) };
  },
  file: async (state: ContainerState, args, session): Promise<FileValue> => {
    const found = await find(session, state, args);
    if (!("entry" in found))
      throw new UserError(`${args.path}: is a directory, not a file: select directory`);
    return { name: posix.basename(target(state, args)), entry: found.entry };
  },
  rootfs: async (state: ContainerState, _args, session): Promise<DirectoryValue> => {
    const found = await findPath(session, { ...state, mounts: [] }, "/");
    return { tree: found && "tree" in found ? found.tree : Tree.empty };
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
};
