import { type Flag, parseLevel } from "../../engine/src/cli/flags.ts";
import { functionsOf } from "../../engine/src/cli/model.ts";
import { optionFlags } from "../../engine/src/cli/options.ts";
import type { Engine } from "../../engine/src/engine.ts";

/** Every `dagger ...` command in a text, split into words. */
export function daggerCommands(text: string): string[][] {
  const lines = text.replace(/\\\n\s*/g, " ");
  return [
    ...lines.matchAll(
      /(?<![\w-])(?:\.\/scripts\/)?dagger (?:-m \S+ )?((?:call|check|functions|prune)\b[^\n|&;)#]*)/g,
    ),
  ].map(([, command]) => words(command as string));
}

function words(command: string): string[] {
  return [...command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/["']/g, ""));
}

/** The error in a command, such as an unknown function or flag or a missing required flag; undefined for a valid one. */
export function faultOf(engine: Engine, [verb, ...rest]: string[]): string | undefined {
  if (verb !== "call") return undefined;
  try {
    followCalls(engine, parseLevel(rest, optionFlags).rest);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function followCalls(engine: Engine, calls: string[]): void {
  let type = { ...engine.module?.types.main, kind: "OBJECT_KIND" } as never;
  let rest = calls;
  while (rest.length > 0) {
    const [name, ...after] = rest;
    const fn = functionsOf(engine, type).find(({ command }) => command === name);
    if (!fn) throw new Error(`there is no function ${name}`);
    const flags: Flag[] = fn.args.map((arg) => ({
      name: arg.flag,
      boolean: arg.type.kind === "BOOLEAN_KIND",
    }));
    const level = parseLevel(after, [...flags, ...optionFlags]);
    const missing = fn.args.find((arg) => arg.required && !level.values.has(arg.flag));
    if (missing && !level.values.has("help")) throw new Error(`${name} needs --${missing.flag}`);
    type = fn.returns as never;
    rest = level.rest;
  }
}
