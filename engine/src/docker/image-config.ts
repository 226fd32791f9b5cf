import type { ContainerState, HealthcheckValue, PortValue } from "../core/values.ts";
import { parseDuration } from "./duration.ts";

/** Docker's form of a healthcheck: durations are nanoseconds. */
export interface DockerHealthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
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
  };
}

function dockerHealthcheck(check: HealthcheckValue): DockerHealthcheck {
  const nanoseconds = (text: string): number => Math.round(parseDuration(text) * 1e6);
  return {
    Test: [check.shell ? "CMD-SHELL" : "CMD", ...check.args],
    ...(check.interval && { Interval: nanoseconds(check.interval) }),
    ...(check.timeout && { Timeout: nanoseconds(check.timeout) }),
    ...(check.startPeriod && { StartPeriod: nanoseconds(check.startPeriod) }),
    ...(check.retries && { Retries: check.retries }),
  };
}

export function healthcheckFrom(config: DockerHealthcheck | undefined): HealthcheckValue | undefined {
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
