import { suggestion } from "../../../engine/src/cli/suggest.ts";

export interface Options {
  /** Keys of the figures to measure. */
  keys: string[];
  /** Rounds for each figure. */
  count: number;
}

/**
 * Checks the command line of scripts/bench.
 * @param argv as minimist parses it: positional arguments in `_`, the options by name.
 * @param known keys of all figures.
 * @throws Error, one line, for an unknown figure or option.
 */
export function readOptions(
  { _: positional, ...options }: { _: readonly (string | number)[]; [option: string]: unknown },
  known: readonly string[],
): Options {
  const keys = positional.map(String);
  const figure = keys.find((key) => !known.includes(key));
  if (figure !== undefined) throw new Error(`there is no figure ${figure}: use ${known.join(", ")}`);
  const name = Object.keys(options).find((option) => option !== "count");
  if (name !== undefined) {
    const dashes = name.length === 1 ? "-" : "--";
    const near = suggestion(name, ["count", "help"], (known) => `--${known}`);
    throw new Error(`there is no option ${dashes}${name}${near}`);
  }
  const count = Number(options.count ?? 5);
  if (!Number.isInteger(count) || count < 1) throw new Error("--count takes a whole number from 1");
  return { keys: keys.length > 0 ? keys : [...known], count };
}
