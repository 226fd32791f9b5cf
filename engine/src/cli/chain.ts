import type { TypeDefValue } from "../api/types.ts";
import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Engine } from "../engine.ts";
import { select } from "../session/select.ts";
import { type EnvFile, findEnvDefault } from "./dotenv.ts";
import { type Flag, parseLevel } from "./flags.ts";
import { type HelpPage, renderHelp } from "./help.ts";
import { type CliArgument, type CliFunction, enumMembers, functionsOf, ownFunction } from "./model.ts";
import { applyOptions, type Options, optionFlags } from "./options.ts";
import { suggestion } from "./suggest.ts";
import { parseArgument } from "./values.ts";

/** The result of a chain of functions. */
export interface Chain {
  options: Options;
  /** The result of the last function: a recipe or a value. */
  result: unknown;
  type: TypeDefValue;
  /** The help text, if it was requested. */
  help?: string;
}

/** Reads `[arguments] function [arguments] function ...` level by level and selects each function in the API. */
export async function runChain(
  engine: Engine,
  words: string[],
  options: Options,
  envFiles: EnvFile[],
): Promise<Chain> {
  const { module } = engine;
  if (!module) throw new UserError("no module is loaded: run from a module's folder, or name one with -m");
  const { main, constructorField } = module.types;
  const declared = main.constructorFunction && {
    ...ownFunction({ ...main.constructorFunction, returnType: main }),
    name: constructorField,
  };
  const root: CliFunction = declared ?? {
    ...emptyFunction,
    name: constructorField,
    returns: { ...main, kind: "OBJECT_KIND" },
  };
  return runLevel(engine, {
    fn: root,
    parent: undefined,
    words,
    options: { ...options, help: false },
    usage: "dagger call",
    envFiles,
    isRoot: true,
    isMain: true,
  });
}

const emptyFunction = { command: "", description: "", args: [], own: true, check: false };

interface Level {
  fn: CliFunction;
  parent: Call | undefined;
  words: string[];
  options: Options;
  usage: string;
  envFiles: EnvFile[];
  isRoot: boolean;
  /** Whether it is the module's constructor or a function of its main object: only these get defaults from `.env`. */
  isMain: boolean;
}

async function runLevel(engine: Engine, level: Level): Promise<Chain> {
  const { fn, usage } = level;
  const returns: TypeDefValue = level.isRoot ? { ...fn.returns, kind: "OBJECT_KIND" } : fn.returns;
  const parsed = parseLevel(level.words, [...fn.args.map(toFlag), ...optionFlags]);
  const options = applyOptions(level.options, parsed);
  const next = isObject(returns) ? functionsOf(engine, returns) : [];
  if (options.help || (level.isRoot && parsed.rest.length === 0)) {
    return { options, type: returns, result: undefined, help: helpOf(engine, level, fn, next) };
  }
  const following = parsed.rest.length > 0 ? findFunction(next, parsed.rest[0] as string, usage) : undefined;
  // Help of a later level needs no values of the earlier ones.
  if (following && asksForHelp(parsed.rest)) {
    return runLevel(engine, {
      ...level,
      fn: following,
      isRoot: false,
      isMain: level.isRoot,
      words: parsed.rest.slice(1),
      options,
      usage: `${usage} ${following.command}`,
    });
  }
  const args = await argumentValues(engine, level, parsed.values);
  const result = await select(engine.caller, level.parent, fn.name, args);
  if (!following) return { options, result, type: returns };
  if (!(result instanceof Call))
    throw new UserError(`${usage}: ${fn.command} returned nothing to call ${following.command} on`);
  return runLevel(engine, {
    ...level,
    fn: following,
    isRoot: false,
    isMain: level.isRoot,
    parent: result,
    words: parsed.rest.slice(1),
    options,
    usage: `${usage} ${following.command}`,
  });
}

function asksForHelp(words: string[]): boolean {
  return words.includes("--help") || words.includes("-h");
}

function isObject(type: TypeDefValue): boolean {
  return type.kind === "OBJECT_KIND" || type.kind === "INTERFACE_KIND";
}

function toFlag(arg: CliArgument): Flag {
  return { name: arg.flag, boolean: arg.type.kind === "BOOLEAN_KIND" };
}

function findFunction(functions: CliFunction[], name: string, usage: string): CliFunction {
  const found = functions.find((fn) => fn.command === name || fn.name === name);
  if (!found) {
    const near = suggestion(
      name,
      functions.map(({ command }) => command),
    );
    throw new UserError(`unknown command ${JSON.stringify(name)} for ${JSON.stringify(usage)}${near}`);
  }
  return found;
}

function helpOf(engine: Engine, level: Level, fn: CliFunction, functions: CliFunction[]): string {
  const page: HelpPage = {
    usage: level.usage,
    description: level.isRoot
      ? engine.module?.types.definition.description || engine.module?.types.main.description || ""
      : fn.description,
    args: fn.args.map((arg) => withEnvDefault(engine, level, arg)),
    functions,
    members: (type) => (type.kind === "ENUM_KIND" ? enumMembers(engine, type) : []),
  };
  return renderHelp(page);
}

function envDefault(engine: Engine, level: Level, arg: CliArgument): ReturnType<typeof findEnvDefault> {
  if (!level.fn.own || !level.isMain || !engine.module) return undefined;
  return findEnvDefault(
    level.envFiles,
    engine.module.types.moduleName,
    level.isRoot ? undefined : level.fn,
    arg,
  );
}

function withEnvDefault(engine: Engine, level: Level, arg: CliArgument): CliArgument {
  const found = envDefault(engine, level, arg);
  return found ? { ...arg, required: false, defaultText: JSON.stringify(found.text) } : arg;
}

async function argumentValues(
  engine: Engine,
  level: Level,
  given: Map<string, string[]>,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  const missing: string[] = [];
  for (const arg of level.fn.args) {
    const texts = given.get(arg.flag);
    const fallback = texts ? undefined : envDefault(engine, level, arg);
    if (texts)
      values[arg.name] = await parseArgument(engine, arg, texts, {
        label: `--${arg.flag}`,
        folder: engine.session.workdir,
      });
    else if (fallback) values[arg.name] = await parseArgument(engine, arg, [fallback.text], fallback);
    else if (arg.required) missing.push(arg.flag);
  }
  if (missing.length > 0) {
    throw new UserError(`required flag(s) "${missing.join('", "')}" not set: see ${level.usage} --help`);
  }
  return values;
}
