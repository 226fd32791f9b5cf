import { randomUUID } from "node:crypto";
import { type GraphQLField, getNamedType, isNonNullType } from "graphql";
import { type ArgValue, Call, decodeId } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import { expectedType, fieldOf, isOfType, shapeOf } from "../schema/schema.ts";
import type { Caller, Selected, Selection } from "./context.ts";
import { missingField } from "./fields.ts";

type Field = GraphQLField<unknown, unknown>;

/**
 * Selects a field on a recipe. Its resolver decides the result; without one, a field that returns an object only makes
 * the recipe longer, and any other is evaluated.
 * @param args as a client gives them, with IDs where the API takes IDs and defaults filled in.
 */
export async function select(
  caller: Caller,
  parent: Call | undefined,
  fieldName: string,
  args: Record<string, unknown>,
): Promise<Selected> {
  const type = parent?.type ?? "Query";
  const field = fieldOf(caller.schema, type, fieldName);
  if (!field) throw new UserError(missingField(type, fieldName));
  caller.session.reach.check(type, fieldName, caller.functionCallId !== undefined);
  const selection = readSelection(caller, parent, field, args);
  const resolve = caller.session.resolverOf(type, fieldName);
  return resolve ? resolve(selection, caller) : record(selection, field, caller);
}

async function record({ parent, field, type, args }: Selection, definition: Field, caller: Caller) {
  const { session } = caller;
  // A random mark makes the call unique, so that no cached value answers it.
  const isUnique = session.runsAnew(parent?.type ?? "Query", field);
  const call = new Call(type, parent, field, isUnique ? { ...args, _once: randomUUID() } : args);
  if (caller.functionCallId === undefined) session.reach.grant(call);
  const shape = shapeOf(definition.type);
  if (shape === "value") return session.evaluate(call);
  if (shape === "object") {
    // Whether a nullable field is null only its value shows.
    const isNull = !isNonNullType(definition.type) && (await session.evaluate(call)) === null;
    return isNull ? null : call;
  }
  const items = await session.evaluate<unknown[]>(call);
  return items.map((_, nth) => new Call(call.type, call.parent, call.field, call.args, nth));
}

function readSelection(
  caller: Caller,
  parent: Call | undefined,
  field: Field,
  given: Record<string, unknown>,
): Selection {
  const args: Record<string, ArgValue> = {};
  for (const arg of field.args) {
    const value = arg.name in given ? given[arg.name] : (arg.defaultValue ?? null);
    const expected = expectedType(arg);
    args[arg.name] = expected ? toCalls(caller, arg.name, expected, value) : plain(value);
  }
  return { parent, field: field.name, type: getNamedType(field.type).name, args };
}

/**
 * IDs, which clients send, as calls, which the command line has at hand.
 * @throws UserError for a call of another type than `expected`.
 */
export function toCalls(caller: Caller, argument: string, expected: string, value: unknown): ArgValue {
  if (Array.isArray(value)) return value.map((item) => toCalls(caller, argument, expected, item));
  if (value === null || value === undefined) return null;
  const call = value instanceof Call ? value : takeId(caller, value as string);
  if (!isOfType(caller.schema, call.type, expected))
    throw new UserError(`argument ${argument} takes the ID of a ${expected}, not that of a ${call.type}`);
  return call;
}

/** The call of an ID that a client sent. */
export function takeId({ session, functionCallId }: Caller, id: string): Call {
  const call = decodeId(id);
  return functionCallId === undefined ? call : session.reach.admit(call);
}

/** graphql-js passes input objects without a prototype. */
function plain(value: unknown): ArgValue {
  return value === null || typeof value !== "object"
    ? (value as ArgValue)
    : (JSON.parse(JSON.stringify(value)) as ArgValue);
}
