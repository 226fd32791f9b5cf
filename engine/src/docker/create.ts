import { posix } from "node:path";
import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import type { ContainerState, Mount } from "../core/values.ts";
import type { Session } from "../session/session.ts";
import { packTree } from "../store/archive.ts";
import { digestOf } from "../store/store.ts";
import { type Entry, Tree } from "../store/tree.ts";
import { emptyImage } from "./images.ts";
import { sessionLabels } from "./labels.ts";

/** How a process is started in a container made from a state. */
export interface ProcessOptions {
  command: string[];
  privileged: boolean;
  noInit: boolean;
  stdin: boolean;
  /** Values that only this process gets, beside the state's own. */
  network?: string;
  hosts: string[];
}

/** A created, not yet started container, with what has to be cleaned up or read back after it. */
export interface Prepared {
  container: Docker.Container;
  /** Volumes that hold mounted directories, to be read back after the run. */
  volumes: { mount: Mount; name: string }[];
  /** Host files that hold mounted files. */
  files: { mount: Mount; path: string }[];
  dispose(): Promise<void>;
}

export const ENV_FILE = "/dev/.stackline-env";

/**
 * Creates a container from a state: its overlays and mounted directories are put in place, secrets are bound from
 * memory-backed files. Secret variables come from a file that the shell reads before it becomes the command, because
 * what stands in a container's configuration is copied into every image that is committed from it.
 */
export async function prepareContainer(
  session: Session,
  state: ContainerState,
  options: ProcessOptions,
): Promise<Prepared> {
  const labels = sessionLabels(session.id);
  const volumes: Prepared["volumes"] = [];
  const files: Prepared["files"] = [];
  const binds: string[] = [];
  const tmpfs: Record<string, string> = {};
  for (const mount of state.mounts) {
    const suffix = mount.readOnly ? ":ro" : "";
    if (mount.kind === "directory") {
      const volume = await session.docker.createVolume({ Labels: labels } as Docker.VolumeCreateOptions);
      volumes.push({ mount, name: volume.name });
      binds.push(`${volume.name}:${mount.path}:nocopy${mount.readOnly ? ",ro" : ""}`);
    } else if (mount.kind === "cache") {
      binds.push(`${await cacheVolume(session, mount)}:${mount.path}:nocopy`);
    } else if (mount.kind === "file") {
      const path = session.hostFiles.place(mount.entry as Entry);
      files.push({ mount, path });
      binds.push(`${path}:${mount.path}${suffix}`);
    } else if (mount.kind === "secret") {
      const value = await session.secrets.plaintext(mount.secret as NonNullable<Mount["secret"]>);
      binds.push(`${session.hostFiles.secret(value, mount)}:${mount.path}:ro`);
    } else if (mount.kind === "socket") {
      binds.push(`${mount.socket}:${mount.path}`);
    } else {
      tmpfs[mount.path] = mount.size ? `size=${mount.size},mode=1777` : "mode=1777";
    }
  }
  let command = options.command;
  if (state.secretEnv.length > 0) {
    // Any user of the container may have to read it; on this machine it stands in a folder of the engine's alone.
    binds.push(
      `${session.hostFiles.secret(await envScript(session, state), { mode: 0o444 })}:${ENV_FILE}:ro`,
    );
    command = ["/bin/sh", "-c", `. ${ENV_FILE}; exec "$@"`, "sh", ...command];
  }
  const [first, ...rest] = command;
  if (first === undefined)
    throw new UserError("no command has been set: give withExec arguments or an entry point");
  const container = await session.docker.createContainer({
    Image: state.image ?? (await emptyImage(session)),
    Entrypoint: [first],
    Cmd: rest,
    Env: [...state.env, ...state.volatileEnv].map(([name, value]) => `${name}=${value}`),
    WorkingDir: state.workdir || "/",
    User: state.user,
    Labels: labels,
    ...(options.stdin && { OpenStdin: true, StdinOnce: true, AttachStdin: true }),
    AttachStdout: true,
    AttachStderr: true,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      Binds: binds,
      Tmpfs: tmpfs,
      Init: !options.noInit,
      Privileged: options.privileged,
      ExtraHosts: options.hosts,
      ...(options.network && { NetworkMode: options.network }),
      LogConfig: { Type: "json-file", Config: { "max-size": "20m", "max-file": "2" } },
    },
  });
  const dispose = async (): Promise<void> => {
    await container.remove({ force: true, v: true }).catch(() => undefined);
    await Promise.allSettled(
      volumes.map(({ name }) => session.docker.getVolume(name).remove({ force: true })),
    );
  };
  try {
    for (const tree of state.overlays)
      await container.putArchive(packTree(session.store, tree), { path: "/" });
    for (const { mount } of volumes) await fillVolume(session, container, mount);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { container, volumes, files, dispose };
}

/** Puts a mounted directory's content into its volume; as an entry of its parent, so that its own owner is set, too. */
async function fillVolume(session: Session, container: Docker.Container, mount: Mount): Promise<void> {
  const { uid = 0, gid = 0, mode = 0o755 } = mount;
  const name = posix.basename(mount.path);
  const tree = Tree.empty
    .with(name, { type: "dir", mode, uid, gid, mtime: 0 })
    .merge(name, mount.tree as Tree);
  await container.putArchive(packTree(session.store, tree), { path: posix.dirname(mount.path) });
}

async function cacheVolume(session: Session, mount: Mount): Promise<string> {
  const name = `stackline-cache-${digestOf(mount.cache).slice(0, 24)}`;
  await session.docker.createVolume({ Name: name, Labels: { "dev.stackline.cache": mount.cache as string } });
  return name;
}

async function envScript(session: Session, state: ContainerState): Promise<string> {
  const lines = await Promise.all(
    state.secretEnv.map(async ([name, secret]) => {
      const value = await session.secrets.plaintext(secret);
      return `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`;
    }),
  );
  return lines.join("");
}
