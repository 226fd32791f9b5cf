import type { ContainerState, HealthcheckValue, PortValue } from "../core/values.ts";
import { formatDuration, parseDuration } from "./duration.ts";

/** Docker's form of a healthcheck: durations are nanoseconds. */
export interface DockerHealthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** The part of an image's configuration that this engine reads and writes. */
export interface DockerConfig {
  Env?: string[] | null;
  Entrypoint?: string | string[] | null;
  Cmd?: string | string[] | null;
  WorkingDir?: string;
  User?: string;
  Labels?: Record<string, string> | null;
  ExposedPorts?: Record<string, object> | null;
  Healthcheck?: DockerHealthcheck;
  StopSignal?: string;
  /** Kept for whoever builds or runs the image elsewhere; nothing here depends on them. */
  OnBuild?: string[] | null;
  Shell?: string[] | null;
  Volumes?: Record<string, object> | null;
}

/** The parts of an image's configuration that its container only passes on. */
export function passedOn({ OnBuild, Shell, Volumes }: DockerConfig): DockerConfig {
  return {
    ...(OnBuild?.length && { OnBuild }),
    ...(Shell?.length && { Shell }),
    ...(Volumes && Object.keys(Volumes).length > 0 && { Volumes }),
  };
}

/** A state's configuration, as an image carries it. */
export function configOf(state: ContainerState): DockerConfig {
  return {
    Env: state.env.map(([name, value]) => `${name}=${value}`),
    ...(state.entrypoint.length > 0 && { Entrypoint: state.entrypoint }),
    ...(state.args.length > 0 && { Cmd: state.args }),
    ...(state.workdir && { WorkingDir: state.workdir }),
    ...(state.user && { User: state.user }),
    ...(state.labels.length > 0 && { Labels: Object.fromEntries(state.labels) }),
    ...(state.stopSignal && { StopSignal: state.stopSignal }),
    ...(state.ports.length > 0 && {
      ExposedPorts: Object.fromEntries(
        state.ports.map(({ port, protocol }) => [`${port}/${protocol.toLowerCase()}`, {}]),
      ),
    }),
    ...(state.healthcheck && { Healthcheck: dockerHealthcheck(state.healthcheck) }),
    ...state.passedOn,
  };
}

function dockerHealthcheck(check: HealthcheckValue): DockerHealthcheck {
  const given = (name: string, text: string): object => {
    const nanoseconds = Math.round(parseDuration(text) * 1e6);
    return nanoseconds > 0 ? { [name]: nanoseconds } : {};
  };
  return {
    Test: [check.shell ? "CMD-SHELL" : "CMD", ...check.args],
    ...given("Interval", check.interval),
    ...given("Timeout", check.timeout),
    ...given("StartPeriod", check.startPeriod),
    ...given("StartInterval", check.startInterval),
    ...(check.retries && { Retries: check.retries }),
  };
}

export function healthcheckFrom(config: DockerHealthcheck | undefined): HealthcheckValue | undefined {
  const [kind, ...args] = config?.Test ?? [];
  if (kind !== "CMD" && kind !== "CMD-SHELL") return undefined;
  const duration = (nanoseconds = 0): string => formatDuration(nanoseconds / 1e6);
  return {
    args,
    shell: kind === "CMD-SHELL",
    interval: duration(config?.Interval),
    timeout: duration(config?.Timeout),
    startPeriod: duration(config?.StartPeriod),
    startInterval: duration(config?.StartInterval),
    retries: config?.Retries ?? 0,
  };
}

export function toList(value: string | string[] | null | undefined): string[] {
  return value === null || value === undefined ? [] : typeof value === "string" ? [value] : value;
}

export function parsePort(text: string): PortValue {
  const [port, protocol = "tcp"] = text.split("/");
  return {
    port: Number(port),
    protocol: protocol.toUpperCase() as PortValue["protocol"],
    experimentalSkipHealthcheck: false,
  };
}
