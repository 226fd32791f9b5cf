import { type Call, callsIn } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Evaluator, SessionContext } from "./context.ts";
import { missingField, plainTypes } from "./fields.ts";

export async function evaluateCall(session: SessionContext, call: Call): Promise<unknown> {
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
