import type { ContainerState } from "../core/values.ts";
import { absolutePath } from "../docker/paths.ts";
import type { Args } from "../session/context.ts";
import { expandVariables } from "./container-config.ts";

/** Resolves a call's path relative to the working directory, with variables expanded on request. */
export function target(state: ContainerState, args: Args, path: string = args.path): string {
  return absolutePath(state, args.expand ? expandVariables(state, path) : path);
}
