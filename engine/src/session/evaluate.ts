import { type Call, callsIn } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Evaluator, SessionContext } from "./context.ts";
import { missingField, plainTypes } from "./fields.ts";

export async function evaluateCall(session: SessionContext, call: Call): Promise<unknown> {
  const type = call.parent?.type ?? "Query";
  // A field of the API needs all its arguments, so the branches of a recipe are evaluated in parallel. A module's
  // function may ignore an argument.
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
