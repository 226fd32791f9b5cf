import type { TypeDefValue } from "../api/types.ts";
import { UserError } from "../core/errors.ts";
import type { Engine } from "../engine.ts";
import { checkEnvFiles, type EnvFile, findEnvDefault } from "./dotenv.ts";
import { type Flag, parseLevel } from "./flags.ts";
import { type HelpPage, renderHelp } from "./help.ts";
import { type CliArgument, type CliFunction, enumMembers, functionsOf, ownFunction } from "./model.ts";
import { applyOptions, type Options, optionFlags } from "./options.ts";
import { suggestion } from "./suggest.ts";

/** One function of a chain, with the flags that were given for it. */
export interface Level {
  fn: CliFunction;
  /** The command line up to it, for error messages. */
  usage: string;
  /** Texts of the flags, by their names. */
  given: Map<string, string[]>;
  /** Defaults from `.env`, by the names of the flags. */
  defaults: Map<string, NonNullable<ReturnType<typeof findEnvDefault>>>;
}

/** What a command line asks for; nothing has run yet. */
export interface Plan {
  levels: Level[];
  options: Options;
  /** Of the last function's result. */
  type: TypeDefValue;
  /** The help text, if it was requested. */
  help?: string;
}

/** Reads `[arguments] function [arguments] function ...` level by level. */
export function planChain(engine: Engine, words: string[], given: Options, envFiles: EnvFile[]): Plan {
  const levels: Level[] = [];
  let fn = rootFunction(engine);
  if (engine.module) checkEnvFiles(envFiles, engine.module.types.moduleName, functionsOf(engine, fn.returns));
  let usage = "dagger call";
  let options = { ...given, help: false };
  for (let rest = words; ; ) {
    const parsed = parseLevel(rest, [...fn.args.map(toFlag), ...optionFlags]);
    options = applyOptions(options, parsed);
    rest = parsed.rest;
    const level = {
      fn,
      usage,
      given: parsed.values,
      defaults: envDefaults(engine, fn, levels.length, envFiles),
    };
    levels.push(level);
    const next = isObject(fn.returns) ? functionsOf(engine, fn.returns) : [];
    const plan = { levels, options, type: fn.returns };
    if (options.help || (levels.length === 1 && rest.length === 0))
      return { ...plan, help: helpOf(engine, level, levels.length === 1, next) };
    const [name, ...others] = rest;
    // Help of a later level needs no values of the earlier ones.
    if (name === undefined || !asksForHelp(rest)) requireArguments(level);
    if (name === undefined) return plan;
    fn = findFunction(next, name, usage);
    usage = `${usage} ${fn.command}`;
    rest = others;
  }
}

/** The module's constructor, declared or not. */
function rootFunction({ module }: Engine): CliFunction {
  if (!module) throw new UserError("no module is loaded: run from a module's folder, or name one with -m");
  const { main, constructorField } = module.types;
  const returns: TypeDefValue = { ...main, kind: "OBJECT_KIND" };
  const declared = main.constructorFunction && ownFunction({ ...main.constructorFunction, returnType: main });
  return { ...(declared ?? emptyFunction), name: constructorField, returns };
}

const emptyFunction = { command: "", description: "", args: [], own: true, check: false };

function requireArguments({ fn, usage, given, defaults }: Level): void {
  const missing = fn.args.filter(({ flag, required }) => required && !given.has(flag) && !defaults.has(flag));
  if (missing.length === 0) return;
  const flags = missing.map(({ flag }) => flag).join('", "');
  throw new UserError(`required flag(s) "${flags}" not set: see ${usage} --help`);
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

function helpOf(engine: Engine, level: Level, isRoot: boolean, functions: CliFunction[]): string {
  const { fn, usage, defaults } = level;
  const page: HelpPage = {
    usage,
    description: isRoot
      ? engine.module?.types.definition.description || engine.module?.types.main.description || ""
      : fn.description,
    args: fn.args.map((arg) => withDefault(arg, defaults.get(arg.flag)?.text)),
    functions,
    members: (type) => (type.kind === "ENUM_KIND" ? enumMembers(engine, type) : []),
  };
  return renderHelp(page);
}

function withDefault(arg: CliArgument, text: string | undefined): CliArgument {
  return text === undefined ? arg : { ...arg, required: false, defaultText: JSON.stringify(text) };
}

/** Only the module's constructor and the functions of its main object get defaults from `.env`. */
function envDefaults(engine: Engine, fn: CliFunction, depth: number, envFiles: EnvFile[]): Level["defaults"] {
  if (!fn.own || depth > 1 || !engine.module) return new Map();
  const { moduleName } = engine.module.types;
  return new Map(
    fn.args.flatMap((arg) => {
      const found = findEnvDefault(envFiles, moduleName, depth === 0 ? undefined : fn, arg);
      return found ? [[arg.flag, found]] : [];
    }),
  );
}
