import type { Engine } from "../engine.ts";
import type { Flag } from "./flags.ts";
import type { Options } from "./options.ts";

/** What a command has to work with; `out` takes results, progress goes elsewhere. */
export interface Context {
  engine: Engine;
  options: Options;
  words: string[];
  out(text: string): void;
}

export interface Command {
  name: string;
  usage: string;
  description: string;
  needsDocker: boolean;
  /** Its own, beside the options that all take. */
  flags?: Flag[];
  /** @returns the exit code. */
  run(context: Context): Promise<number>;
}
