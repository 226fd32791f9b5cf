import type {
  CacheVolumeValue,
  ContainerState,
  DirectoryValue,
  FileValue,
  Mount,
  SecretValue,
} from "../core/values.ts";
import { realPath, typeAt } from "../docker/paths.ts";
import { removePaths } from "../docker/remove.ts";
import type { Evaluator } from "../session/context.ts";
import type { Entry } from "../store/tree.ts";
import { target } from "./container-path.ts";
import { containerOwner } from "./owner.ts";

/** Secrets and sockets are on top of all other mounts. */
const isOnTop = ({ kind }: Mount): boolean => kind === "secret" || kind === "socket";

/** A mount takes the place of those at its path and below it; a secret and a socket only that of another one. */
function mounted(state: ContainerState, mount: Mount): ContainerState {
  const isCovered = (other: Mount): boolean =>
    isOnTop(other)
      ? isOnTop(mount) && other.path === mount.path
      : !isOnTop(mount) && (other.path === mount.path || other.path.startsWith(`${mount.path}/`));
  const kept = state.mounts.filter((other) => !isCovered(other));
  return {
    ...state,
    mounts: isOnTop(mount)
      ? [...kept, mount]
      : [...kept.filter((m) => !isOnTop(m)), mount, ...kept.filter(isOnTop)],
  };
}

/** Fields of Container that add or remove mounts. */
export const containerMounts: Record<string, Evaluator> = {
  withMountedDirectory: async (state: ContainerState, args, session) => {
    const { tree } = await session.evaluate<DirectoryValue>(args.source);
    const owner = await containerOwner(session, state, args.owner);
    const content = args.owner ? tree.map((entry) => ({ ...entry, ...owner })) : tree;
    return mounted(state, {
      path: target(state, args),
      kind: "directory",
      tree: content,
      readOnly: args.readOnly,
    });
  },
  withMountedFile: async (state: ContainerState, args, session) => {
    const { entry } = await session.evaluate<FileValue>(args.source);
    const owner = await containerOwner(session, state, args.owner);
    return mounted(state, { path: target(state, args), kind: "file", entry: { ...entry, ...owner } });
  },
  withMountedCache: async (state: ContainerState, args, session) => {
    const cache = await session.evaluate<CacheVolumeValue>(args.cache);
    const source = args.source && (await session.evaluate<DirectoryValue>(args.source)).tree;
    const given = args.owner || cache.owner;
    const owner = await containerOwner(session, state, given);
    const content = source ?? cache.source;
    const tree = given ? content?.map((entry: Entry) => ({ ...entry, ...owner })) : content;
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
    const owner = await containerOwner(session, state, args.owner);
    return mounted(state, { path: target(state, args), kind: "secret", secret, mode: args.mode, ...owner });
  },
  withUnixSocket: async (state: ContainerState, args, session) => {
    const { path } = await session.evaluate<{ path: string }>(args.source);
    const owner = await containerOwner(session, state, args.owner);
    const at = target(state, args);
    const isNew = (await typeAt(session, state, await realPath(session, state, at))).type === "none";
    return mounted(state, { path: at, kind: "socket", socket: path, isNew, ...owner });
  },
  withoutMount: (state: ContainerState, args) => ({
    ...state,
    mounts: state.mounts.filter(({ path, kind }) => kind === "socket" || path !== target(state, args)),
  }),
  withoutUnixSocket: (state: ContainerState, args, session) => {
    const at = target(state, args);
    const removed = state.mounts.find(({ path, kind }) => kind === "socket" && path === at);
    const without = { ...state, mounts: state.mounts.filter((mount) => mount !== removed) };
    return removed?.isNew && state.exec ? removePaths(session, without, [at]) : without;
  },
};
