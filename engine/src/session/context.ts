import type { GraphQLSchema } from "graphql";
import type { ArgValue, Call } from "../core/call.ts";
import type { Run } from "../docker/run.ts";
import type { Services } from "../docker/services.ts";
import type { FunctionCall } from "./function-call.ts";
import type { Reach } from "./reach.ts";
import type { Secrets } from "./secrets.ts";

/** The session as evaluators and resolvers see it. */
export interface SessionContext extends Run {
  readonly secrets: Secrets;
  readonly services: Services;
  /** Which calls may reach the user's machine. */
  readonly reach: Reach;
  /** Folder that host paths are relative to. */
  readonly workdir: string;
  /** Running calls of a module's functions, by their IDs. */
  readonly functionCalls: ReadonlyMap<string, FunctionCall>;
  /** Resolves when the user stops a command that has no end of its own. */
  readonly interrupted: Promise<void>;
  /** The value of a call; evaluated once per session. */
  evaluate<T = unknown>(call: Call): Promise<T>;
  /** Whether a field is the API's own, not a loaded module's. */
  isCoreField(type: string, field: string): boolean;
  evaluatorOf(type: string, field: string): Evaluator | undefined;
  resolverOf(type: string, field: string): Resolver | undefined;
  /** Whether each selection of a field is evaluated, even if it equals an earlier one. */
  runsAnew(type: string, field: string): boolean;
}

/** Arguments of a call as an evaluator gets them: defaults filled in, IDs as calls. */
// biome-ignore lint/suspicious/noExplicitAny: each evaluator knows the types of its own arguments from the schema.
export type Args = Record<string, any>;

/** Evaluates a field: `parent` is the value of the call that it was selected on. */
// biome-ignore lint/suspicious/noExplicitAny: parents are typed by each evaluator; the schema guarantees them.
export type Evaluator = (parent: any, args: Args, session: SessionContext, call: Call) => unknown;

/** Evaluators by "Type.field". */
export type Evaluators = ReadonlyMap<string, Evaluator>;

/** The caller's view of the API and, for a module's function, the call that it runs in. */
export interface Caller {
  session: SessionContext;
  schema: GraphQLSchema;
  functionCallId?: string;
}

/** The result of a selection: a call to go on from, a list of them, or a plain value. */
export type Selected = Call | Call[] | unknown;

/** A field with its arguments, selected on a call, before a recipe records it. */
export interface Selection {
  parent: Call | undefined;
  field: string;
  /** Name of the type that the field returns. */
  type: string;
  args: Record<string, ArgValue>;
}

/**
 * Resolves a selection that is not recorded as it stands: a resolver may return another call in its place, or a value.
 * A selection without a resolver becomes one more step of the recipe.
 */
export type Resolver = (selection: Selection, caller: Caller) => Selected;

/** The resolver of a field, if it has one. */
export type FindResolver = (type: string, field: string) => Resolver | undefined;
