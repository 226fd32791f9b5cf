import { Call } from "../core/call.ts";
import { expander } from "../core/env-value.ts";
import { type ContainerState, type FileValue, withPair } from "../core/values.ts";
import type { Caller, Evaluator, Resolver, Selection, SessionContext } from "../session/context.ts";
import { newFile } from "../store/tree.ts";

/** What an EnvFile call evaluates to: raw values, not yet expanded. */
export interface EnvFileValue {
  variables: [name: string, value: string][];
  /** Variables that are not part of it, but to which its own refer. */
  hidden: [name: string, value: string][];
}

/** Where variables that the file does not set come from. */
type Environment = Readonly<Record<string, string | undefined>>;

const none: Environment = {};

/** The lines of a file: NAME=VALUE, perhaps after `export`. Others are kept as they are. */
export function parseEnvFile(text: string): EnvFileValue {
  let variables: EnvFileValue["variables"] = [];
  for (const line of text.split("\n").map((item) => item.trim())) {
    if (line === "") continue;
    const [, name = "", value = ""] = /^(?:export\s+)?([^=]*)(?:=(.*))?$/.exec(line) ?? [];
    variables = withPair(variables, name, value);
  }
  return { variables, hidden: [] };
}

function namesOf({ variables }: EnvFileValue): string[] {
  return variables.map(([name]) => name).filter((name) => !name.startsWith("#"));
}

function lookup({ variables, hidden }: EnvFileValue, environment: Environment): (name: string) => string {
  return expander(new Map([...hidden, ...variables]), (name) => environment[name] ?? "");
}

function get(file: EnvFileValue, name: string, raw: boolean, environment = none): string {
  const value = file.variables.find(([key]) => key === name)?.[1];
  return value === undefined || raw ? (value ?? "") : lookup(file, environment)(name);
}

function all(file: EnvFileValue, raw: boolean, environment = none): { name: string; value: string }[] {
  const names = namesOf(file).sort();
  return names.map((name) => ({ name, value: get(file, name, raw, environment) }));
}

/** What follows a prefix in a name, in whatever case and with whatever separators the prefix is written. */
function afterPrefix(name: string, prefix: string): string | undefined {
  const snake = prefix
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replace(/([a-z])([A-Z0-9])/g, "$1_$2")
    .replace(/([A-Z])([0-9])|([0-9])([A-Za-z])/g, "$1$3_$2$4")
    .replace(/[\s._-]+/g, "_");
  const starts = [`${prefix.replace(/[\s._-]+/g, "")}_`, snake.replace(/_?$/, "_")];
  const start = starts.find((item) => name.toLowerCase().startsWith(item.toLowerCase()));
  return start && name.slice(start.length);
}

function namespace(file: EnvFileValue, prefix: string): EnvFileValue {
  const result: EnvFileValue = { variables: [], hidden: [...file.hidden] };
  for (const [name, value] of file.variables) {
    const after = afterPrefix(name, prefix);
    if (after === undefined) result.hidden.push([name, value]);
    else result.variables = withPair(result.variables, after, value);
  }
  return result;
}

export const envFileQueries: Record<string, Evaluator> = {
  envFile: (): EnvFileValue => ({ variables: [], hidden: [] }),
};

export const envFile: Record<string, Evaluator> = {
  get: (file: EnvFileValue, { name, raw }) => get(file, name, raw ?? false),
  exists: (file: EnvFileValue, { name }) => namesOf(file).includes(name),
  variables: (file: EnvFileValue, { raw, _values }) => _values ?? all(file, raw ?? false),
  withVariable: (file: EnvFileValue, { name, value }): EnvFileValue => ({
    ...file,
    variables: withPair(file.variables, name, value),
  }),
  withoutVariable: (file: EnvFileValue, { name }): EnvFileValue => ({
    ...file,
    variables: file.variables.filter(([key]) => key !== name),
  }),
  namespace: (file: EnvFileValue, { prefix }) => namespace(file, prefix),
  asFile: async ({ variables }: EnvFileValue, _args, { store }): Promise<FileValue> => {
    const text = variables.map(([name, value]) => `${name}=${value}\n`).join("");
    const { digest, size } = await store.putBlob(text);
    return { name: ".env", entry: newFile(digest, size) };
  },
};

export const containerEnvFile: Record<string, Evaluator> = {
  withEnvFileVariables: async (state: ContainerState, { source, _values }, session) => {
    const values: { name: string; value: string }[] =
      _values ?? all(await session.evaluate<EnvFileValue>(source), false);
    return { ...state, env: values.reduce((env, { name, value }) => withPair(env, name, value), state.env) };
  },
};

/** The user's own client refers to the user's environment; a module's function has none that it may see here. */
function environmentOf({ functionCallId }: Caller): Environment {
  return functionCallId === undefined ? process.env : none;
}

const read = (session: SessionContext, call: unknown): Promise<EnvFileValue> =>
  session.evaluate<EnvFileValue>(call as Call);

function withValues(selection: Selection, values: { name: string; value: string }[]): Call {
  const { type, parent, field, args } = selection;
  return new Call(type, parent, field, { ...args, _values: values });
}

export const envFileResolvers: Record<string, Resolver> = {
  get: async ({ parent, args }, caller) =>
    get(await read(caller.session, parent), String(args.name), args.raw === true, environmentOf(caller)),
  variables: async (selection, caller) => {
    const { parent, args } = selection;
    const values = all(await read(caller.session, parent), args.raw === true, environmentOf(caller));
    const { type, field, args: given } = withValues(selection, values);
    return values.map((_, nth) => new Call(type, parent, field, given, nth));
  },
};

export const containerEnvFileResolvers: Record<string, Resolver> = {
  withEnvFileVariables: async (selection, caller) =>
    withValues(
      selection,
      all(await read(caller.session, selection.args.source), false, environmentOf(caller)),
    ),
};
