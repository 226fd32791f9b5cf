import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import {
  type CacheVolumeValue,
  type ContainerState,
  type DirectoryValue,
  type FileValue,
  hostPlatform,
  type SecretValue,
  type ServiceValue,
  scratch,
} from "../core/values.ts";
import { imageId, stateOfImage } from "../docker/images.ts";
import type { Evaluator } from "../session/evaluate.ts";
import { digestOf } from "../store/store.ts";
import { type Entry, newFile, Tree } from "../store/tree.ts";
import { ENGINE_VERSION } from "../version.ts";
import { fetchFile } from "./http.ts";
import { requirePlatform } from "./platform.ts";
import { forwardService, tunnelTo } from "./service.ts";

/** Fields of Query that start a recipe. */
export const query: Record<string, Evaluator> = {
  version: () => ENGINE_VERSION,
  defaultPlatform: () => hostPlatform,
  container: (_, { platform }): ContainerState => {
    requirePlatform(platform);
    return scratch;
  },
  directory: (): DirectoryValue => ({ tree: Tree.empty }),
  file: async (_, { name, contents, permissions }, session): Promise<FileValue> => {
    const { digest, size } = await session.store.putBlob(contents);
    return { name, entry: newFile(digest, size, permissions) };
  },
  host: () => ({}),
  http: (_, args, session): Promise<FileValue> => fetchFile(session, args),
  cacheVolume: async (_, { key, source, sharing, owner }, session): Promise<CacheVolumeValue> => ({
    key,
    sharing,
    ...(owner && { owner }),
    ...(source && { source: (await session.evaluate<DirectoryValue>(source)).tree }),
  }),
  secret: (_, { uri, cacheKey }, session): Promise<SecretValue> =>
    session.secrets.fromUri(uri, cacheKey ?? undefined),
  // The resolver has put a keyed digest where the plaintext was. As in the official engine it is the name that counts for
  // the cache, within the module that set it: a step with a password of its own for each run is kept all the same.
  setSecret: (_, { name, plaintext, _scope }): SecretValue => ({
    name,
    key: plaintext,
    cacheKey: digestOf("set", _scope, name),
  }),
  error: (_, { message }) => ({ message, values: [] }),
  sourceMap: (_, { filename, line, column }) => ({ filename, line, column, module: "", url: "" }),
  // Stored content of a host path: what host.directory and host.file become when they are selected.
  _tree: (_, { blob, name }, session): DirectoryValue => ({
    tree: Tree.fromJSON(JSON.parse(session.store.readBlobText(blob)) as [string, Entry][]),
    name,
  }),
  _file: (_, { name, entry }): FileValue => ({ name, entry: entry as Entry }),
};

export const host: Record<string, Evaluator> = {
  containerImage: async (_, { name }, session): Promise<ContainerState> => {
    const id = await imageId(session.docker, name);
    if (!id) throw new UserError(`${name} is not in the local Docker: docker images lists what is`);
    return stateOfImage(session, id);
  },
  findUp: (_, { name }, session) => findUp(session.workdir, name),
  service: (_, { ports, host: name }): ServiceValue => forwardService({ kind: "host", host: name, ports }),
  tunnel: async (_, { service: id, ports, native }, session) =>
    tunnelTo(await session.evaluate<ServiceValue>(id), ports, native),
  unixSocket: (_, { path }, session) => ({ path: resolve(session.workdir, path) }),
};

export const secret: Record<string, Evaluator> = {
  name: (value: SecretValue) => value.name,
  uri: (value: SecretValue) => value.uri ?? "",
  plaintext: (value: SecretValue, _args, session) => session.secrets.plaintext(value),
};

interface ErrorState {
  message: string;
  values: { name: string; value: string }[];
}

export const error: Record<string, Evaluator> = {
  message: (value: ErrorState) => value.message,
  values: (value: ErrorState) => value.values,
  withValue: (value: ErrorState, { name, value: json }): ErrorState => ({
    ...value,
    values: [...value.values, { name, value: json }],
  }),
};

/** The nearest file or folder of a name, from a folder upward; null where there is none. */
function findUp(from: string, name: string): string | null {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, name))) return join(dir, name);
    if (dir === dirname(dir)) return null;
  }
}
