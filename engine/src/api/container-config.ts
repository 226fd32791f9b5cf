import { UserError } from "../core/errors.ts";
import {
  type ContainerState,
  type HealthcheckValue,
  type PortValue,
  pairValue,
  type SecretValue,
  type ServiceValue,
  withoutPair,
  withPair,
} from "../core/values.ts";
import { absolutePath } from "../docker/read.ts";
import type { Args, Evaluator } from "../session/context.ts";

type Change = (state: ContainerState, args: Args) => Partial<ContainerState>;

/** An evaluator that only changes metadata. */
function change(apply: Change): Evaluator {
  return (state: ContainerState, args) => ({ ...state, ...apply(state, args) });
}

/** Fills ${NAME} and $NAME from the container's environment; an unknown name is empty, as in a shell. */
export function expandVariables(state: ContainerState, text: string): string {
  return text.replace(
    /\$\{(\w+)\}|\$(\w+)/g,
    (_, braced, bare) => pairValue(state.env, braced ?? bare) ?? "",
  );
}

function maybeExpand(state: ContainerState, args: Args, text: string): string {
  return args.expand ? expandVariables(state, text) : text;
}

function toPort(args: Args): PortValue {
  return {
    port: args.port,
    protocol: args.protocol,
    ...(args.description && { description: args.description }),
    experimentalSkipHealthcheck: args.experimentalSkipHealthcheck,
  };
}

function isPort(port: PortValue, args: Args): boolean {
  return port.port === args.port && port.protocol === args.protocol;
}

function toHealthcheck(args: Args): HealthcheckValue {
  return {
    args: args.args,
    shell: args.shell ?? false,
    interval: args.interval ?? "",
    timeout: args.timeout ?? "",
    startPeriod: args.startPeriod ?? "",
    startInterval: args.startInterval ?? "",
    retries: args.retries ?? 0,
  };
}

/** Fields of Container that read or change its configuration and never touch Docker. */
export const containerConfig: Record<string, Evaluator> = {
  withEnvVariable: change((state, args) => ({
    env: withPair(state.env, args.name, maybeExpand(state, args, args.value)),
  })),
  withoutEnvVariable: change((state, { name }) => ({ env: withoutPair(state.env, name) })),
  withVolatileVariable: change((state, { name, value }) => ({
    volatileEnv: withPair(state.volatileEnv, name, value),
  })),
  withoutVolatileVariable: change((state, { name }) => ({
    volatileEnv: withoutPair(state.volatileEnv, name),
  })),
  withSecretVariable: async (state: ContainerState, { name, secret }, session) => ({
    ...state,
    secretEnv: withPair(state.secretEnv, name, await session.evaluate<SecretValue>(secret)),
  }),
  withoutSecretVariable: change((state, { name }) => ({ secretEnv: withoutPair(state.secretEnv, name) })),
  withWorkdir: change((state, args) => ({
    workdir: absolutePath(state, maybeExpand(state, args, args.path)),
  })),
  withoutWorkdir: change(() => ({ workdir: "" })),
  withUser: change((_, { name }) => ({ user: name })),
  withoutUser: change(() => ({ user: "" })),
  withLabel: change((state, { name, value }) => ({ labels: withPair(state.labels, name, value) })),
  withoutLabel: change((state, { name }) => ({ labels: withoutPair(state.labels, name) })),
  withAnnotation: change((state, { name, value }) => ({
    annotations: withPair(state.annotations, name, value),
  })),
  withoutAnnotation: change((state, { name }) => ({ annotations: withoutPair(state.annotations, name) })),
  withEntrypoint: change((state, { args, keepDefaultArgs }) => ({
    entrypoint: args,
    args: keepDefaultArgs ? state.args : [],
  })),
  withoutEntrypoint: change((state, { keepDefaultArgs }) => ({
    entrypoint: [],
    args: keepDefaultArgs ? state.args : [],
  })),
  withDefaultArgs: change((_, { args }) => ({ args })),
  withoutDefaultArgs: change(() => ({ args: [] })),
  withExposedPort: change((state, args) => ({
    ports: [...state.ports.filter((port) => !isPort(port, args)), toPort(args)],
  })),
  withoutExposedPort: change((state, args) => ({ ports: state.ports.filter((port) => !isPort(port, args)) })),
  withDockerHealthcheck: change((_, args) => ({ healthcheck: toHealthcheck(args) })),
  withoutDockerHealthcheck: ({ healthcheck: _, ...state }: ContainerState) => state,
  withServiceBinding: async (state: ContainerState, { alias, service }, session) => ({
    ...state,
    bindings: withPair(state.bindings, alias, await session.evaluate<ServiceValue>(service)),
  }),
  withRegistryAuth: async (state: ContainerState, { address, username, secret }, session) => ({
    ...state,
    registryAuth: [
      ...state.registryAuth.filter(([host]) => host !== address),
      [address, username, await session.evaluate<SecretValue>(secret)],
    ],
  }),
  withoutRegistryAuth: change((state, { address }) => ({
    registryAuth: state.registryAuth.filter(([host]) => host !== address),
  })),
  withError: (_, { err }) => {
    throw new UserError(err);
  },

  envVariable: (state: ContainerState, { name }) => pairValue(state.env, name) ?? null,
  envVariables: (state: ContainerState) => state.env.map(([name, value]) => ({ name, value })),
  label: (state: ContainerState, { name }) => pairValue(state.labels, name) ?? null,
  labels: (state: ContainerState) => state.labels.map(([name, value]) => ({ name, value })),
  entrypoint: (state: ContainerState) => state.entrypoint,
  defaultArgs: (state: ContainerState) => state.args,
  workdir: (state: ContainerState) => state.workdir || "/",
  user: (state: ContainerState) => state.user,
  platform: (state: ContainerState) => state.platform,
  exposedPorts: (state: ContainerState) => state.ports,
  dockerHealthcheck: (state: ContainerState) => state.healthcheck ?? null,
  mounts: (state: ContainerState) => state.mounts.map((mount) => mount.path),
  imageRef: (state: ContainerState) => {
    if (!state.imageRef)
      throw new UserError("this container was not made from an image: it has no reference");
    return state.imageRef;
  },
};
