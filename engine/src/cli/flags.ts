import { parseArgs } from "node:util";
import { UserError } from "../core/errors.ts";
import { suggestion } from "./suggest.ts";

/** A flag of one level of the command line. */
export interface Flag {
  name: string;
  short?: string;
  /** Takes no value unless one follows "=". */
  boolean: boolean;
}

export interface ParsedLevel {
  /** All values of each flag that was given, in order. */
  values: Map<string, string[]>;
  /** The words after this level: the next function's name and its own flags. */
  rest: string[];
}

/** Splits a command line into flags with their values and other words; an unknown flag counts as one without a value. */
export function tokenize(words: string[], flags: readonly Flag[]) {
  const options = Object.fromEntries(
    flags.map(({ name, short, boolean }) => [
      name,
      { type: boolean ? ("boolean" as const) : ("string" as const), multiple: true, ...(short && { short }) },
    ]),
  );
  return parseArgs({ args: words, options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/**
 * Reads one level's flags up to the first word that is not a flag.
 * @throws UserError with the official CLI's message for an unknown flag or a missing value.
 */
export function parseLevel(words: string[], flags: Flag[]): ParsedLevel {
  const values = new Map<string, string[]>();
  for (const token of tokenize(words, flags)) {
    if (token.kind === "positional") return { values, rest: words.slice(token.index) };
    if (token.kind === "option-terminator") return { values, rest: words.slice(token.index + 1) };
    const flag = flags.find(({ name }) => name === token.name);
    if (!flag) throw new UserError(unknownFlag(token.rawName, flags));
    if (token.value === undefined && !flag.boolean)
      throw new UserError(`flag needs an argument: ${token.rawName}`);
    values.set(flag.name, [...(values.get(flag.name) ?? []), token.value ?? "true"]);
  }
  return { values, rest: [] };
}

function unknownFlag(raw: string, flags: readonly Flag[]): string {
  if (!raw.startsWith("--")) return `unknown shorthand flag: '${raw.slice(1)}' in ${raw}`;
  const names = flags.map(({ name }) => name);
  return `unknown flag: ${raw}${suggestion(raw.slice(2), names, (name) => `--${name}`)}`;
}
