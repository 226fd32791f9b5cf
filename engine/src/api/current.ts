import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Evaluator, Resolver } from "../session/context.ts";
import type { FunctionCall } from "../session/function-call.ts";
import { scanHostDirectory } from "../store/host.ts";

interface CurrentModuleState {
  name: string;
  sourcePath: string;
}

const withCaller: Resolver = ({ type, field, args }, { functionCallId = "" }) =>
  new Call(type, undefined, field, { ...args, caller: functionCallId });

/** Fields of Query that depend on the caller: their calls contain its ID. */
export const currentResolvers: Record<string, Resolver> = {
  currentFunctionCall: withCaller,
  currentModule: withCaller,
};

/** Evaluators of those calls. */
export const currentQueries: Record<string, Evaluator> = {
  currentFunctionCall: (_, { caller }, session): FunctionCall => {
    const call = session.functionCalls.get(caller);
    if (!call)
      throw new UserError("there is no current function call: this client is not a module's function");
    return call;
  },
  currentModule: (_, { caller }, session): CurrentModuleState => {
    const call = session.functionCalls.get(caller);
    if (!call) throw new UserError("there is no current module: this client is not a module's function");
    return { name: call.moduleName, sourcePath: call.sourcePath };
  },
};

export const currentModule: Record<string, Evaluator> = {
  name: (module: CurrentModuleState) => module.name,
  source: async (module: CurrentModuleState, _args, session) => ({
    tree: await scanHostDirectory(session.store, module.sourcePath, { exclude: ["**/node_modules"] }),
  }),
};

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
