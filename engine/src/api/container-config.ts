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
import { formatDuration, parseDuration } from "../docker/duration.ts";
import { absolutePath } from "../docker/paths.ts";
import type { Args, Evaluator } from "../session/context.ts";
import { refuseNesting } from "./nesting.ts";
import { failUnlessEmpty } from "./with-error.ts";

const noArgs = { args: [], ownArgs: false };

type Change = (state: ContainerState, args: Args) => Partial<ContainerState>;

/** An evaluator that only changes metadata. */
function change(apply: Change): Evaluator {
  return (state: ContainerState, args) => ({ ...state, ...apply(state, args) });
}

/**
 * Fills ${NAME} and $NAME from the container's environment; an unknown name is empty, as in a shell.
 * @throws UserError for a variable whose value must not become part of a recipe.
 */
export function expandVariables(state: ContainerState, text: string): string {
  return text.replace(/\$\{(\w+)\}|\$(\w+)/g, (_, braced, bare) => expandVariable(state, braced ?? bare));
}

function expandVariable({ env, secretEnv, volatileEnv }: ContainerState, name: string): string {
  const isIn = (pairs: readonly [string, unknown][]): boolean => pairs.some(([key]) => key === name);
  const kind = isIn(secretEnv) ? "secret" : isIn(volatileEnv) ? "volatile" : undefined;
  if (kind) throw new UserError(`expand cannot be used with ${kind} env variable ${JSON.stringify(name)}`);
  return pairValue(env, name) ?? "";
}

/** A text of a call, expanded if the call says so. */
export function maybeExpand(state: ContainerState, args: Args, text: string): string {
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

function normalDuration(text: string | null): string {
  return formatDuration(parseDuration(text ?? ""));
}

function toHealthcheck(args: Args): HealthcheckValue {
  return {
    args: args.args,
    shell: args.shell ?? false,
    interval: normalDuration(args.interval),
    timeout: normalDuration(args.timeout),
    startPeriod: normalDuration(args.startPeriod),
    startInterval: normalDuration(args.startInterval),
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
  withEntrypoint: change((_, { args, keepDefaultArgs }) => ({
    entrypoint: args,
    ...(!keepDefaultArgs && noArgs),
  })),
  withoutEntrypoint: change((_, { keepDefaultArgs }) => ({
    entrypoint: [],
    ...(!keepDefaultArgs && noArgs),
  })),
  withDefaultTerminalCmd: change((_, args) => {
    refuseNesting(args);
    return { terminal: { args: args.args, privileged: args.insecureRootCapabilities } };
  }),
  withDefaultArgs: change((_, { args }) => ({ args, ownArgs: true })),
  withoutDefaultArgs: change(() => noArgs),
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
  withError: (state: ContainerState, { err }) => failUnlessEmpty(state, err),

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
  // As in the official engine, without secrets and sockets.
  mounts: (state: ContainerState) =>
    state.mounts.filter(({ kind }) => kind !== "secret" && kind !== "socket").map(({ path }) => path),
  imageRef: (state: ContainerState) => {
    if (!state.imageRef)
      throw new UserError(
        "Image reference can only be retrieved immediately after the 'Container.From' call. Error in fetching imageRef as the container image is changed",
      );
    return state.imageRef;
  },
};
