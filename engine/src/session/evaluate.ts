import { type Call, callsIn } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import { missingField, plainTypes } from "./fields.ts";
import type { Session } from "./session.ts";

/** Arguments of a call as an evaluator gets them: defaults filled in, IDs as calls. */
// biome-ignore lint/suspicious/noExplicitAny: each evaluator knows the types of its own arguments from the schema.
export type Args = Record<string, any>;

/**
 * Works out the value of a field: `parent` is the value of what it was selected on.
 */
// biome-ignore lint/suspicious/noExplicitAny: parents are typed by each evaluator; the schema guarantees them.
export type Evaluator = (parent: any, args: Args, session: Session, call: Call) => unknown;

/** Evaluators by "Type.field". */
export type Evaluators = ReadonlyMap<string, Evaluator>;

export async function evaluateCall(session: Session, call: Call): Promise<unknown> {
  const type = call.parent?.type ?? "Query";
  // What a field of the API takes is needed for sure: branches of a recipe are worked out side by side, not in turn. A
  // module's function may leave an argument alone.
  if (session.isCoreField(type, call.field)) {
    for (const needed of callsIn(call.args)) session.evaluate(needed).catch(() => undefined);
  }
  const parent = call.parent ? await session.evaluate<Record<string, unknown>>(call.parent) : undefined;
  const evaluator =
    session.evaluatorOf(type, call.field) ?? (plainTypes.includes(type) ? readProperty : undefined);
  if (!evaluator) throw new UserError(missingField(type, call.field));
  const value = await evaluator(parent, call.args, session, call);
  return call.nth === undefined ? value : (value as unknown[])[call.nth];
}

const readProperty: Evaluator = (parent, _args, _session, call) => parent[call.field] ?? null;
