import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import tarStream from "tar-stream";
import { type ContainerState, scratch, withPair } from "../core/values.ts";
import { provideImage } from "../images/index.ts";
import type { Session } from "../session/session.ts";
import { credentials } from "./credentials.ts";
import { isNotFound } from "./errors.ts";
import { type DockerConfig, healthcheckFrom, parsePort, toList } from "./image-config.ts";
import { configureImage } from "./layer.ts";

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
  await text(stream);
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
  const authconfig = await credentials(session, base, ref);
  const note = (line: string): void => session.progress.note(line);
  const { id, standIn } = await provideImage(session.docker, ref, note, authconfig);
  if (standIn) session.progress.once(`${ref} is a stand-in: ${standIn}`);
  return { ...(await stateOfImage(session, id)), imageRef: ref, registryAuth: base.registryAuth };
}

/** A container state made from the configuration of an image at hand. */
export async function stateOfImage(session: Session, id: string): Promise<ContainerState> {
  const image = await session.docker.getImage(id).inspect();
  const config = image.Config as unknown as DockerConfig;
  const healthcheck = healthcheckFrom(config.Healthcheck);
  // Where Docker can't strip an image of its configuration, only its volumes stay in the way.
  const bare = await configureImage(session, image, {}).catch(() => undefined);
  return {
    ...scratch,
    platform: `${image.Os}/${image.Architecture}`,
    image: bare ?? id,
    imageEnv: bare ? [] : (config.Env ?? []).map((line) => line.split("=")[0] as string),
    layers: image.RootFS.Layers?.length ?? 0,
    env: (config.Env ?? []).reduce<[string, string][]>((env, line) => {
      const [name, ...value] = line.split("=");
      return withPair(env, name as string, value.join("="));
    }, []),
    workdir: config.WorkingDir ?? "",
    user: config.User ?? "",
    entrypoint: toList(config.Entrypoint),
    args: toList(config.Cmd),
    labels: Object.entries(config.Labels ?? {}),
    ports: Object.keys(config.ExposedPorts ?? {}).map(parsePort),
    ...(healthcheck && { healthcheck }),
    ...(config.StopSignal && { stopSignal: config.StopSignal }),
  };
}
