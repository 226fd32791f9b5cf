import { posix } from "node:path";
import type { ContainerState, DirectoryValue, FileValue } from "../core/values.ts";
import { fileSystemOf, findPath } from "../docker/read.ts";
import type { Args, Evaluator, SessionContext } from "../session/context.ts";
import { Tree } from "../store/tree.ts";
import { target } from "./container-path.ts";
import { directoryAt, fileAt, requireFound } from "./find.ts";
import { isOfType, meansLink, statOf } from "./stat.ts";

const find = async (state: ContainerState, args: Args, session: SessionContext) =>
  requireFound(await findPath(session, state, target(state, args)), args.path);

/** Fields of Container that read its files. */
export const containerRead: Record<string, Evaluator> = {
  directory: async (state: ContainerState, args, session): Promise<DirectoryValue> => {
    const found = await find(state, args, session);
    const { tree } = directoryAt(found, args.path);
    const within = { ...fileSystemOf(session, state), path: found.path };
    return { tree, name: posix.basename(target(state, args)), within };
  },
  file: async (state: ContainerState, args, session): Promise<FileValue> => {
    const { entry } = fileAt(await find(state, args, session), args.path);
    return { name: posix.basename(target(state, args)), entry, within: fileSystemOf(session, state) };
  },
  rootfs: async (state: ContainerState, _args, session): Promise<DirectoryValue> => {
    const found = await findPath(session, { ...state, mounts: [] }, "/");
    return { tree: found && "tree" in found ? found.tree : Tree.empty };
  },
  exists: async (state: ContainerState, args, session) =>
    isOfType(await findPath(session, state, target(state, args), !meansLink(args)), args.expectedType),
  stat: async (state: ContainerState, args, session) => {
    const path = target(state, args);
    const found =
      args.path === "" ? undefined : await findPath(session, state, path, !args.doNotFollowSymlinks);
    return statOf(requireFound(found, args.path));
  },
};
