import { type ContainerState, scratch, withPair } from "../core/values.ts";
import { provideCurrent, provideImage } from "../images/index.ts";
import { fullName } from "../images/reference.ts";
import { givenLogin } from "./credentials.ts";
import { type DockerConfig, healthcheckFrom, parsePort, passedOn, toList } from "./image-config.ts";
import { configureImage } from "./layer.ts";
import type { Run } from "./run.ts";

/** A container state made from an image's configuration. */
export async function stateFromImage(
  run: Pick<Run, "docker" | "store" | "progress" | "secrets">,
  base: ContainerState,
  ref: string,
): Promise<ContainerState> {
  const login = await givenLogin(run.secrets, base, ref);
  const note = (line: string): void => run.progress.note(line);
  // With an account of its own a tag is looked up in the registry, as the official engine always does.
  const provide = login ? provideCurrent : provideImage;
  const { id, standIn, digest } = await provide(run.docker, ref, note, login);
  if (standIn) run.progress.once(`${ref} is a stand-in: ${standIn}`);
  return {
    ...(await stateOfImage(run, id)),
    imageRef: canonical(ref, digest),
    registryAuth: base.registryAuth,
  };
}

/** A full name with the digest that it had, as in the official engine. */
function canonical(ref: string, digest: string | undefined): string {
  return fullName(digest && !ref.includes("@") ? `${ref}@${digest}` : ref);
}

/** A container state made from the configuration of a local image. */
export async function stateOfImage(run: Pick<Run, "docker" | "store">, id: string): Promise<ContainerState> {
  const image = await run.docker.getImage(id).inspect();
  const config = image.Config as unknown as DockerConfig;
  const healthcheck = healthcheckFrom(config.Healthcheck);
  // If Docker cannot load an image without its configuration, only its volumes are a problem.
  const bare = await configureImage(run, image, {}).catch(() => undefined);
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
    passedOn: passedOn(config),
  };
}
