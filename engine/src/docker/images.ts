import type { Readable } from "node:stream";
import type Docker from "dockerode";
import tarStream from "tar-stream";
import { UserError } from "../core/errors.ts";
import { type ContainerState, type PortValue, scratch, withPair } from "../core/values.ts";
import { provideImage } from "../images/index.ts";
import type { Session } from "../session/session.ts";
import { isNotFound } from "./errors.ts";

const EMPTY_IMAGE = "stackline/scratch:latest";

/** ID of an image without any file, which stands for scratch. */
export async function emptyImage(session: Session): Promise<string> {
  const found = await imageId(session.docker, EMPTY_IMAGE);
  if (found) return found;
  const pack = tarStream.pack();
  pack.finalize();
  const stream = (await session.docker.importImage(
    pack as unknown as NodeJS.ReadableStream,
    {
      repo: "stackline/scratch",
      tag: "latest",
    } as never,
  )) as unknown as Readable;
  await new Promise<void>((done, fail) => stream.on("end", done).on("error", fail).resume());
  return (await imageId(session.docker, EMPTY_IMAGE)) as string;
}

export async function imageId(docker: Docker, ref: string): Promise<string | undefined> {
  try {
    return (await docker.getImage(ref).inspect()).Id;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A container state made from an image's configuration. */
export async function stateFromImage(
  session: Session,
  base: ContainerState,
  ref: string,
): Promise<ContainerState> {
  const { id, standIn } = await provideImage(session.docker, ref, (line) => session.progress.note(line));
  if (standIn) session.progress.once(`${ref} is a stand-in: ${standIn}`);
  return { ...(await stateOfImage(session, id)), imageRef: ref, registryAuth: base.registryAuth };
}

/** A container state made from the configuration of an image at hand. */
export async function stateOfImage(session: Session, id: string): Promise<ContainerState> {
  const { Config, Os, Architecture } = await session.docker.getImage(id).inspect();
  const healthcheck = parseHealthcheck(Config.Healthcheck as DockerHealthcheck | undefined);
  return {
    ...scratch,
    platform: `${Os}/${Architecture}`,
    image: id,
    env: (Config.Env ?? []).reduce<[string, string][]>((env, line) => {
      const [name, ...value] = line.split("=");
      return withPair(env, name as string, value.join("="));
    }, []),
    workdir: Config.WorkingDir ?? "",
    user: Config.User ?? "",
    entrypoint: toList(Config.Entrypoint),
    args: toList(Config.Cmd),
    labels: Object.entries(Config.Labels ?? {}),
    ports: Object.keys(Config.ExposedPorts ?? {}).map(parsePort),
    ...(healthcheck && { healthcheck }),
    ...((Config as { StopSignal?: string }).StopSignal && {
      stopSignal: (Config as { StopSignal?: string }).StopSignal,
    }),
  };
}

function toList(value: string | string[] | null | undefined): string[] {
  return value === null || value === undefined ? [] : typeof value === "string" ? [value] : value;
}

function parsePort(text: string): PortValue {
  const [port, protocol = "tcp"] = text.split("/");
  return {
    port: Number(port),
    protocol: protocol.toUpperCase() as PortValue["protocol"],
    experimentalSkipHealthcheck: false,
  };
}

/** Docker's form of a healthcheck: durations are nanoseconds. */
export interface DockerHealthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  Retries?: number;
}

function parseHealthcheck(config: DockerHealthcheck | undefined): ContainerState["healthcheck"] {
  const [kind, ...args] = config?.Test ?? [];
  if (kind !== "CMD" && kind !== "CMD-SHELL") return undefined;
  const duration = (nanoseconds = 0): string => (nanoseconds === 0 ? "" : `${nanoseconds / 1e6}ms`);
  return {
    args,
    shell: kind === "CMD-SHELL",
    interval: duration(config?.Interval),
    timeout: duration(config?.Timeout),
    startPeriod: duration(config?.StartPeriod),
    startInterval: "",
    retries: config?.Retries ?? 0,
  };
}

/** Fails early and plainly when an image that a result refers to was removed from Docker. */
export async function requireImage(session: Session, id: string): Promise<void> {
  if (!(await imageId(session.docker, id))) {
    throw new UserError(`image ${id.slice(0, 19)} is no longer in Docker: run again, it is then made anew`);
  }
}
