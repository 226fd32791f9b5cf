import type { Engine } from "../engine.ts";
import type { Flag } from "./flags.ts";
import type { Options } from "./options.ts";

/** The input of a command; `out` prints results, `tell` what stands beside the progress. */
export interface Context {
  engine: Engine;
  options: Options;
  words: string[];
  out(text: string): void;
  tell(text: string): void;
}

export interface Command {
  name: string;
  usage: string;
  description: string;
  needsDocker: boolean;
  /** Its own flags, beside the common options. */
  flags?: Flag[];
  /** @returns the exit code. */
  run(context: Context): Promise<number>;
}
