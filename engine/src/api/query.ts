import {
  type CacheVolumeValue,
  type ContainerState,
  type DirectoryValue,
  type FileValue,
  scratch,
} from "../core/values.ts";
import { hostPlatform } from "../schema/platform.ts";
import type { Evaluator } from "../session/context.ts";
import { newFile, Tree } from "../store/tree.ts";
import { ENGINE_VERSION } from "../version.ts";
import { fetchFile } from "./http.ts";
import { checkBareName } from "./names.ts";
import { requirePlatform } from "./platform.ts";

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
    checkBareName(name);
    const { digest, size } = await session.store.putBlob(contents);
    return { name, entry: newFile(digest, size, permissions || undefined) };
  },
  host: () => ({}),
  http: (_, args, session): Promise<FileValue> => fetchFile(session, args),
  cacheVolume: async (_, { key, source, sharing, owner }, session): Promise<CacheVolumeValue> => ({
    key,
    sharing,
    ...(owner && { owner }),
    ...(source && { source: (await session.evaluate<DirectoryValue>(source)).tree }),
  }),
  error: (_, { message }) => ({ message, values: [] }),
  sourceMap: (_, { filename, line, column }) => ({ filename, line, column, module: "", url: "" }),
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
