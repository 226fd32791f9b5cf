import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Evaluator, Resolver, SessionContext } from "../session/context.ts";
import { type FunctionCall, NOT_SOURCE } from "../session/function-call.ts";
import { hostDirectory } from "./host.ts";

const withCaller: Resolver = ({ type, field, args }, { functionCallId = "" }) =>
  new Call(type, undefined, field, { ...args, caller: functionCallId });

/** Fields of Query that depend on the caller: their calls contain its ID. */
export const currentResolvers: Record<string, Resolver> = {
  currentFunctionCall: withCaller,
  currentModule: withCaller,
};

const callOf = (session: SessionContext, caller: string, what: string): FunctionCall => {
  const call = session.functionCalls.get(caller);
  if (!call) throw new UserError(`there is no current ${what}: this client is not a module's function`);
  return call;
};

/** Evaluators of those calls. */
export const currentQueries: Record<string, Evaluator> = {
  currentFunctionCall: (_, { caller }, session) => callOf(session, caller, "function call"),
  currentModule: (_, { caller }, session) => callOf(session, caller, "module"),
};

export const currentModule: Record<string, Evaluator> = {
  name: (call: FunctionCall) => call.moduleName,
};

/** The recipe has the content of the module's files: a cached result outlasts the call, and the folder. */
export const currentModuleResolvers: Record<string, Resolver> = {
  source: async ({ parent }, { session }) => {
    const { sourcePath } = await session.evaluate<FunctionCall>(parent as Call);
    const read = (): Promise<Call> => hostDirectory(session, { path: sourcePath, ...moduleFiles });
    return session.work.keep(`module source ${sourcePath}`, read);
  },
};

const moduleFiles = { exclude: NOT_SOURCE.map((name) => `**/${name}`), include: [], gitignore: false };

export const functionCall: Record<string, Evaluator> = {
  name: (call: FunctionCall) => call.name,
  parentName: (call: FunctionCall) => call.parentName,
  parent: (call: FunctionCall) => JSON.stringify(call.parent),
  inputArgs: (call: FunctionCall) =>
    call.inputArgs.map(({ name, value }) => ({ name, value: JSON.stringify(value) })),
  returnValue: (call: FunctionCall, { value }) => {
    call.resolve(JSON.parse(value));
    return null;
  },
  returnError: async (call: FunctionCall, { error }, session) => {
    call.reject(await session.evaluate(error));
    return null;
  },
};
