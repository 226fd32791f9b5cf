import type {
  CacheVolumeValue,
  ContainerState,
  DirectoryValue,
  FileValue,
  Mount,
  SecretValue,
} from "../core/values.ts";
import { resolveOwner } from "../docker/read.ts";
import type { Args, Evaluator, SessionContext } from "../session/context.ts";
import { target } from "./container-path.ts";

function mounted(state: ContainerState, mount: Mount): ContainerState {
  return { ...state, mounts: [...state.mounts.filter((m) => m.path !== mount.path), mount] };
}

async function ownership(
  session: SessionContext,
  state: ContainerState,
  args: Args,
): Promise<{ uid?: number; gid?: number }> {
  return args.owner ? resolveOwner(session, state, args.owner) : {};
}

/** Fields of Container that add or remove mounts. */
export const containerMounts: Record<string, Evaluator> = {
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
};
