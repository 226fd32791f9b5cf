import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import type { ContainerState } from "../core/values.ts";
import { normalise } from "../store/tree.ts";
import { bakeOverlays } from "./bake.ts";
import { emptyImage } from "./image-id.ts";
import { fillVolumes, type PlacedMounts, placeMounts } from "./mounts.ts";
import { allPrivileges } from "./privileges.ts";
import { proxiesOf } from "./proxies.ts";
import { putTree } from "./put.ts";
import type { Mounting } from "./run.ts";
import { withSecretEnv } from "./secret-env.ts";

/** How a process is started in a container made from a state. */
export interface ProcessOptions {
  command: string[];
  privileged: boolean;
  noInit: boolean;
  stdin: boolean;
  /** Whether it is a terminal's. */
  tty?: boolean;
  network?: string;
  /** Names of the container in that network. */
  aliases?: string[];
  /** Lines for its /etc/hosts, e.g. "db:172.18.0.2". */
  hosts: string[];
}

/** A container that is created but not started, with the mounts to read back and the clean-up after it. */
export interface Prepared {
  container: Docker.Container;
  mounts: PlacedMounts;
  dispose(): Promise<void>;
}

/** Creates a container from a state, with its overlays, mounts and secrets in place. */
export async function prepareContainer(
  run: Mounting,
  given: ContainerState,
  options: ProcessOptions,
): Promise<Prepared> {
  // Files below a mount point must be in the image: copied into the container, they would end up in the mount.
  const state = hidesOverlay(given) ? await bakeOverlays(run, given) : given;
  const mounts = await placeMounts(run, state);
  let container: Docker.Container | undefined;
  const dispose = async (): Promise<void> => {
    await container?.remove({ force: true, v: true }).catch(() => undefined);
    await mounts.dispose();
  };
  try {
    container = await run.createContainer(await createOptions(run.docker, state, options, mounts));
    // Docker separates its networks: an exec still reaches containers outside of the session once this one has a service.
    if (options.network && !options.aliases)
      await run.docker.getNetwork("bridge").connect({ Container: container.id });
    for (const tree of state.overlays) await putTree(run.store, container, tree);
    await fillVolumes(run.store, container, mounts);
    return { container, mounts, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function hidesOverlay({ overlays, mounts }: ContainerState): boolean {
  return mounts.some(({ path }) => {
    const at = normalise(path);
    return overlays.some((tree) => tree.get(at) !== undefined || tree.isDirectory(at));
  });
}

async function createOptions(
  docker: Docker,
  state: ContainerState,
  options: ProcessOptions,
  mounts: PlacedMounts,
): Promise<Docker.ContainerCreateOptions> {
  const { network, aliases } = options;
  const privileges = options.privileged ? allPrivileges() : {};
  const [first, ...rest] = withSecretEnv(state, options.command);
  if (first === undefined)
    throw new UserError("no command has been set: give withExec arguments or an entry point");
  return {
    Image: state.image ?? (await emptyImage(docker)),
    Entrypoint: [first],
    Cmd: rest,
    Env: environment(state, options.hosts),
    WorkingDir: state.workdir || "/",
    User: state.user,
    ...(options.stdin && { OpenStdin: true, StdinOnce: true, AttachStdin: true }),
    ...(options.tty && { Tty: true }),
    AttachStdout: true,
    AttachStderr: true,
    Healthcheck: { Test: ["NONE"] },
    ...(network && aliases && { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: aliases } } } }),
    HostConfig: {
      Init: !options.noInit,
      ...privileges,
      Binds: [...(privileges.Binds ?? []), ...mounts.binds],
      Tmpfs: mounts.tmpfs,
      ExtraHosts: options.hosts,
      ...(network && { NetworkMode: network }),
      // The engine reads the output itself; a log file would contain secrets.
      LogConfig: { Type: "none", Config: {} },
    },
  };
}

/** A name without a value removes a variable of the image. */
function environment(state: ContainerState, hosts: readonly string[]): string[] {
  const variables = new Map([...state.env, ...state.volatileEnv, ...proxiesOf(state, hosts)]);
  const removed = state.imageEnv.filter((name) => !variables.has(name));
  return [...[...variables].map(([name, value]) => `${name}=${value}`), ...removed];
}
