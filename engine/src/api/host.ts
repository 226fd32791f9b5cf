import { existsSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { ContainerState, DirectoryValue, FileValue, ServiceValue } from "../core/values.ts";
import { imageId } from "../docker/image-id.ts";
import { stateOfImage } from "../docker/images.ts";
import type { Evaluator, Resolver, Selection, SessionContext } from "../session/context.ts";
import { scanHostDirectory, scanHostFile } from "../store/host.ts";
import { hostPath } from "../store/host-path.ts";
import { type Entry, newFile, Tree } from "../store/tree.ts";
import { forwardService, tunnelTo } from "./service.ts";

interface HostArgs {
  path: string;
  exclude: string[];
  include: string[];
  gitignore: boolean;
}

type HostFolder = Pick<SessionContext, "workdir" | "store">;

/** Reads a host folder: the recipe refers to its content, not to its path. */
export async function hostDirectory(
  { workdir, store }: HostFolder,
  { path, ...filter }: HostArgs,
): Promise<Call> {
  const full = hostPath(workdir, path);
  const tree = await scanHostDirectory(store, full, filter);
  const { digest } = await store.putBlob(JSON.stringify(tree.toJSON()));
  return new Call("Directory", undefined, "_tree", {
    digest: tree.digest,
    blob: digest,
    name: basename(full),
  });
}

/** Reads a host file. */
export async function hostFile({ workdir, store }: HostFolder, { path }: { path: string }): Promise<Call> {
  const full = hostPath(workdir, path);
  const entry = await scanHostFile(store, full);
  return new Call("File", undefined, "_file", {
    name: basename(full),
    // Without its time: a touched file is the same file.
    entry: { ...entry, mtime: 0 } as never,
  });
}

/** Internal fields of Query: stored content of a host path. */
export const hostContent: Record<string, Evaluator> = {
  _tree: (_, { blob, name }, session): DirectoryValue => ({
    tree: Tree.fromJSON(JSON.parse(session.store.readBlobText(blob)) as [string, Entry][]),
    name,
  }),
  _file: (_, { name, entry: { blob, size, mode } }): FileValue => ({
    name,
    entry: newFile(blob, size, mode),
  }),
};

/** What a session has read, it does not read again, unless the call says so. */
function oncePerSession<T>(
  session: SessionContext,
  kind: string,
  args: Selection["args"],
  read: (session: SessionContext, args: T) => Promise<Call>,
): Promise<Call> {
  const make = (): Promise<Call> => read(session, args as T);
  return args.noCache ? make() : session.work.keep(`host ${kind} ${JSON.stringify(args)}`, make);
}

/** Fails at once if what is selected cannot be. */
const checked: Resolver = async ({ type, parent, field, args }, { session, functionCallId }) => {
  const call = new Call(type, parent, field, args);
  if (functionCallId === undefined) session.reach.grant(call);
  await session.evaluate(call);
  return call;
};

export const hostResolvers: Record<string, Resolver> = {
  directory: ({ args }, { session }) => oncePerSession(session, "directory", args, hostDirectory),
  file: ({ args }, { session }) => oncePerSession(session, "file", args, hostFile),
  service: checked,
  tunnel: checked,
};

export const host: Record<string, Evaluator> = {
  containerImage: async (_, { name }, session): Promise<ContainerState> => {
    const id = await imageId(session.docker, name);
    if (!id) throw new UserError(`${name} is not in the local Docker: docker images lists its images`);
    return stateOfImage(session, id);
  },
  findUp: (_, { name }, session) => {
    const found = findUp(session.workdir, name);
    return found && relative(session.workdir, found);
  },
  service: (_, { ports, host: name }): ServiceValue => {
    if (ports.length === 0)
      throw new UserError("no ports specified: give the ports of the host to forward to");
    return forwardService({ kind: "host", host: name, ports });
  },
  tunnel: async (_, { service: id, ports, native }, session) =>
    tunnelTo(await session.evaluate<ServiceValue>(id), ports, native),
  unixSocket: (_, { path }, session) => ({ path: hostPath(session.workdir, path) }),
};

/** The nearest file or folder with a name, from a folder upward; null if there is none. */
function findUp(from: string, name: string): string | null {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, name))) return join(dir, name);
    if (dir === dirname(dir)) return null;
  }
}
