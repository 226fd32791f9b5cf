import type { ContainerState } from "../core/values.ts";
import { absolutePath } from "../docker/read.ts";
import type { Args } from "../session/context.ts";
import { expandVariables } from "./container-config.ts";

/** The path that a call means: variables filled in where asked for, relative to the working directory. */
export function target(state: ContainerState, args: Args, path: string = args.path): string {
  return absolutePath(state, args.expand ? expandVariables(state, path) : path);
}
