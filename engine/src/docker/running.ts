import type Docker from "dockerode";
import type { PortValue } from "../core/values.ts";

/** A service that has started and passed its health check. */
export interface RunningService {
  ip: string;
  /** A tunnel has none. */
  container?: Docker.Container;
  /** Where it listens, if its definition does not say so. */
  ports?: PortValue[];
  /** Resolves when the process has ended, whatever ended it, with its exit code and last lines. */
  ended: Promise<string>;
  stop(kill: boolean): Promise<void>;
}

/** The services that a process needs, while it runs. */
export interface Watched {
  /** Why one of them has ended. */
  failure(): string | undefined;
  /** @throws UserError when one of them has ended. */
  check(): void;
}

/** How a process reaches the services that it is bound to. */
export interface Bindings {
  network?: string;
  hosts: string[];
  /** Calls `onEnd` when one of the services ends. */
  watch(onEnd: () => void): Watched;
}

/** The services of one container, in use until they are released. */
export interface HeldServices {
  bindings: Bindings;
  release(): void;
}
