import { UserError } from "../core/errors.ts";
import { type Flag, type ParsedLevel, tokenize } from "./flags.ts";

/** Options that every command takes, at every level. */
export interface Options {
  help: boolean;
  json: boolean;
  quiet: number;
  silent: boolean;
  verbose: number;
  progress: string;
  module: string;
  /** Whether changes that a function returns are applied without a question. */
  autoApply: boolean;
  output?: string;
  /** Of `check`. */
  list: boolean;
  /** Of `prune`. */
  results: boolean;
  maxSize?: string | undefined;
  /** Of `session`: the folder that paths are relative to. */
  workdir?: string | undefined;
}

interface OptionFlag extends Flag {
  description: string;
  placeholder?: string;
}

export const optionFlags: OptionFlag[] = [
  { name: "help", short: "h", boolean: true, description: "Show help for the command or function before it" },
  { name: "json", short: "j", boolean: true, description: "Print the result as JSON" },
  {
    name: "mod",
    short: "m",
    boolean: false,
    placeholder: "path",
    description: "Folder of the module (default: the working directory or above)",
  },
  {
    name: "output",
    short: "o",
    boolean: false,
    placeholder: "path",
    description: "Save the result to a path on this machine",
  },
  {
    name: "auto-apply",
    short: "y",
    boolean: true,
    description: "Apply the changes that a function returns without asking",
  },
  {
    name: "progress",
    boolean: false,
    placeholder: "string",
    description: "How to show progress: auto, plain, tty or report (default auto)",
  },
  { name: "quiet", short: "q", boolean: true, description: "Show less (-qq: only the result)" },
  { name: "silent", short: "s", boolean: true, description: "Show no progress" },
  {
    name: "verbose",
    short: "v",
    boolean: true,
    description: "Show more, including the output of successful steps",
  },
  { name: "debug", short: "d", boolean: true, description: "Show stack traces of errors" },
];

export const defaults: Options = {
  help: false,
  json: false,
  quiet: 0,
  silent: false,
  verbose: 0,
  progress: "auto",
  module: ".",
  autoApply: false,
  list: false,
  results: false,
};

const progressModes = ["auto", "plain", "tty", "report", "dots", "logs"];

/** The options after a further level of the command line. */
export function applyOptions(before: Options, { values }: ParsedLevel): Options {
  const last = (name: string): string | undefined => values.get(name)?.at(-1);
  const isSet = (name: string): boolean => last(name) !== undefined && last(name) !== "false";
  const progress = last("progress") ?? before.progress;
  if (!progressModes.includes(progress)) {
    throw new UserError(
      `invalid value ${JSON.stringify(progress)} for --progress: use auto, plain, tty or report`,
    );
  }
  const output = last("output") ?? before.output;
  return {
    help: before.help || isSet("help"),
    json: before.json || isSet("json"),
    silent: before.silent || isSet("silent"),
    quiet: before.quiet + (values.get("quiet")?.length ?? 0),
    verbose: before.verbose + (values.get("verbose")?.length ?? 0) + (values.get("debug")?.length ?? 0),
    list: before.list || isSet("list"),
    results: before.results || isSet("results"),
    autoApply: before.autoApply || isSet("auto-apply"),
    module: last("mod") ?? before.module,
    maxSize: last("max-size") ?? before.maxSize,
    workdir: last("workdir") ?? before.workdir,
    progress,
    // An empty path saves nothing, as in the official CLI.
    ...(output && { output }),
  };
}

/** Options at any position in the line: the progress mode must be known before the module is loaded. */
export function scanOptions(words: string[]): Options {
  const tokens = tokenize(words, optionFlags);
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== "option" || !optionFlags.some(({ name }) => name === token.name)) continue;
    values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? "true"]);
  }
  return applyOptions(defaults, { values, rest: [] });
}
