import { hostPlatform } from "../schema/platform.ts";
import type { Entry, Tree } from "../store/tree.ts";

/** A file or link, or a directory's tree. */
export type Content = { entry: Entry } | { tree: Tree };

/** What is at a path of a file system. */
export type Found = Content & {
  /** Where it really is: "/a/b". */
  path: string;
};

/** A file system that a directory or file is part of. */
export interface FileSystem {
  /** Looks up an absolute path, through symbolic links: through one at its end only if `last`. */
  find(path: string, last?: boolean): Promise<Found | undefined>;
}

/** What a Directory call evaluates to. */
export interface DirectoryValue {
  tree: Tree;
  /** Base name, where one is known. */
  name?: string;
  /** Where it comes from, and its path there: a symbolic link may lead out of the directory. */
  within?: FileSystem & { path: string };
}

/** What a File call evaluates to. */
export interface FileValue {
  name: string;
  entry: Entry;
  /** Where it comes from: names of owners are looked up there. */
  within?: FileSystem;
}

/** What a Secret call evaluates to: where the plaintext comes from, never the plaintext. */
export interface SecretValue {
  name: string;
  uri?: string;
  /** Equal keys mean equal plaintexts. */
  key: string;
  /** Its part of a cache key: steps that differ only in secrets with equal cache keys share a result. */
  cacheKey: string;
}

export interface CacheVolumeValue {
  key: string;
  /** What a new volume starts with. */
  source?: Tree;
  sharing?: CacheSharing;
  owner?: string;
}

export type CacheSharing = "SHARED" | "PRIVATE" | "LOCKED";

export interface SocketValue {
  path: string;
}

export interface PortValue {
  port: number;
  protocol: "TCP" | "UDP";
  description?: string;
  experimentalSkipHealthcheck: boolean;
}

/** Docker's HEALTHCHECK. Durations are Go duration strings as the API takes them, e.g. "1s". */
export interface HealthcheckValue {
  args: string[];
  shell: boolean;
  interval: string;
  timeout: string;
  startPeriod: string;
  startInterval: string;
  retries: number;
}

export interface Mount {
  path: string;
  kind: "directory" | "file" | "cache" | "temp" | "secret" | "socket";
  tree?: Tree;
  entry?: Entry;
  cache?: string;
  sharing?: CacheSharing;
  secret?: SecretValue;
  socket?: string;
  /** Whether nothing was at its path before: Docker makes an empty file there, which goes with the mount. */
  isNew?: boolean;
  uid?: number;
  gid?: number;
  mode?: number;
  readOnly?: boolean;
  /** Bytes. */
  size?: number;
}

export interface ServiceValue {
  container: ContainerState;
  /** The process: entry point included. */
  command: string[];
  hostname?: string;
  privileged: boolean;
  noInit: boolean;
  /** A tunnel or host service has no container of its own. */
  forward?:
    | { kind: "host"; host: string; ports: PortForwardValue[] }
    | { kind: "tunnel"; service: ServiceValue; ports: PortForwardValue[]; native: boolean };
}

export interface PortForwardValue {
  frontend?: number;
  backend: number;
  protocol: "TCP" | "UDP";
}

export interface ExecOutcome {
  exitCode: number;
  /** Blob digests. */
  stdout: string;
  stderr: string;
  combined: string;
}

/** What a Container call evaluates to. Metadata stays here and reaches Docker only when something runs. */
export interface ContainerState {
  platform: string;
  /** Docker image ID of the file system; undefined is scratch. */
  image?: string;
  /** How many layers the image has: Docker takes about 125. */
  layers: number;
  /** Variables in that image's own configuration: a container inherits them unless it removes them. */
  imageEnv: string[];
  /** The image's full name, until something is changed. */
  imageRef?: string;
  /** Trees to be laid over the image, in order; not yet part of it. */
  overlays: Tree[];
  env: [name: string, value: string][];
  /** Values that are not part of the cache key. */
  volatileEnv: [name: string, value: string][];
  secretEnv: [name: string, secret: SecretValue][];
  workdir: string;
  user: string;
  entrypoint: string[];
  args: string[];
  /** Whether the arguments are those of withDefaultArgs: a service then runs them without the entry point. */
  ownArgs?: boolean;
  labels: [name: string, value: string][];
  annotations: [name: string, value: string][];
  ports: PortValue[];
  healthcheck?: HealthcheckValue;
  stopSignal?: string;
  /** Docker's own fields of an image's configuration that are passed on as they are. */
  passedOn?: object;
  /** What `terminal` runs. */
  terminal?: { args: string[]; privileged: boolean };
  mounts: Mount[];
  bindings: [alias: string, service: ServiceValue][];
  registryAuth: [address: string, username: string, secret: SecretValue][];
  exec?: ExecOutcome;
}

export const scratch: ContainerState = {
  platform: hostPlatform,
  layers: 0,
  imageEnv: [],
  overlays: [],
  env: [],
  volatileEnv: [],
  secretEnv: [],
  workdir: "",
  user: "",
  entrypoint: [],
  args: [],
  labels: [],
  annotations: [],
  ports: [],
  mounts: [],
  bindings: [],
  registryAuth: [],
};

/** A list of pairs with `name` set, at its old place if it had one. */
export function withPair<T>(pairs: readonly [string, T][], name: string, value: T): [string, T][] {
  const found = pairs.some(([key]) => key === name);
  return found ? pairs.map(([key, old]) => [key, key === name ? value : old]) : [...pairs, [name, value]];
}

export function withoutPair<T>(pairs: readonly [string, T][], name: string): [string, T][] {
  return pairs.filter(([key]) => key !== name);
}

export function pairValue<T>(pairs: readonly [string, T][], name: string): T | undefined {
  return pairs.find(([key]) => key === name)?.[1];
}
