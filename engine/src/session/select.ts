import { randomUUID } from "node:crypto";
import { basename, resolve } from "node:path";
import { type GraphQLField, type GraphQLSchema, getNamedType, isNonNullType } from "graphql";
import { type ArgValue, Call, decodeId, encodeId } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import { expectedType, fieldOf, isOfType, loadedType, shapeOf } from "../schema/schema.ts";
import { scanHostDirectory, scanHostFile } from "../store/host.ts";
import { missingField } from "./fields.ts";
import type { Session } from "./session.ts";

/** Who asks: the API as they see it and, for a module's function, the call that they are in. */
export interface Caller {
  session: Session;
  schema: GraphQLSchema;
  functionCallId?: string;
}

/** What a selected field answers: a call to go on from, a list of them, or a plain value. */
export type Selected = Call | Call[] | unknown;

/**
 * Selects a field on a recipe. Fields that return objects only make the recipe longer; others work out their value.
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
  if (parent === undefined && fieldName === "node") return decodeId(args.id as string);
  const loaded = parent === undefined && loadedType(fieldName);
  if (loaded) return toCalls(caller.schema, "id", loaded, args.id);
  if (parent && fieldName === "id") return encodeId(parent);
  if (parent && fieldName === "sync") return sync(caller.session, parent);
  if (type === "Service" && (fieldName === "start" || fieldName === "stop")) {
    return switchService(caller.session, parent as Call, fieldName, args);
  }
  const call = await makeCall(caller, parent, field, args);
  const shape = shapeOf(field.type);
  if (shape === "value") return caller.session.evaluate(call);
  if (shape === "object") {
    // Only its value tells whether a field that may be null is.
    const isNull = !isNonNullType(field.type) && (await caller.session.evaluate(call)) === null;
    return isNull ? null : call;
  }
  const items = await caller.session.evaluate<unknown[]>(call);
  return items.map((_, nth) => new Call(call.type, call.parent, call.field, call.args, nth));
}

async function sync(session: Session, call: Call): Promise<string> {
  await session.evaluate(call);
  return encodeId(call);
}

async function switchService(
  session: Session,
  call: Call,
  field: string,
  args: Record<string, unknown>,
): Promise<string> {
  const service = await session.evaluate<import("../core/values.ts").ServiceValue>(call);
  if (field === "start") await session.services.acquire(service);
  else await session.services.stop(service, args.kill === true);
  return encodeId(call);
}

async function makeCall(
  caller: Caller,
  parent: Call | undefined,
  field: GraphQLField<unknown, unknown>,
  given: Record<string, unknown>,
): Promise<Call> {
  const { session } = caller;
  const type = getNamedType(field.type).name;
  const args: Record<string, ArgValue> = {};
  for (const arg of field.args) {
    const value = arg.name in given ? given[arg.name] : (arg.defaultValue ?? null);
    const expected = expectedType(arg);
    args[arg.name] = expected ? toCalls(caller.schema, arg.name, expected, value) : plain(value);
  }
  if (parent?.type === "Host" && field.name === "directory") return hostDirectory(session, args as never);
  if (parent?.type === "Host" && field.name === "file") return hostFile(session, args as never);
  if (!parent && field.name === "setSecret") {
    args.plaintext = session.secrets.remember(args.plaintext as string);
    args._scope = session.functionCalls.get(caller.functionCallId ?? "")?.moduleDigest ?? "";
  }
  if (!parent && field.name.startsWith("current")) args.caller = caller.functionCallId ?? "";
  // What the call is answered with belongs to it alone: a mark makes it unlike any other.
  if (session.runsAnew(parent?.type ?? "Query", field.name)) args._once = randomUUID();
  return new Call(type, parent, field.name, args);
}

/** Clients send IDs; the command line has the calls at hand. */
function toCalls(schema: GraphQLSchema, argument: string, expected: string, value: unknown): ArgValue {
  if (Array.isArray(value)) return value.map((item) => toCalls(schema, argument, expected, item));
  if (value === null || value === undefined) return null;
  const call = value instanceof Call ? value : decodeId(value as string);
  if (!isOfType(schema, call.type, expected))
    throw new UserError(`argument ${argument} takes the ID of a ${expected}, not that of a ${call.type}`);
  return call;
}

/** graphql-js hands input objects over without a prototype. */
function plain(value: unknown): ArgValue {
  return value === null || typeof value !== "object"
    ? (value as ArgValue)
    : (JSON.parse(JSON.stringify(value)) as ArgValue);
}

interface HostArgs {
  path: string;
  exclude: string[];
  include: string[];
  gitignore: boolean;
}

/** The content of a host folder as it is now: the recipe holds what was read, not where. */
export async function hostDirectory(session: Session, { path, ...filter }: HostArgs): Promise<Call> {
  const full = resolve(session.workdir, path);
  const tree = await scanHostDirectory(session.store, full, filter);
  const { digest } = await session.store.putBlob(JSON.stringify(tree.toJSON()));
  return new Call("Directory", undefined, "_tree", {
    digest: tree.digest,
    blob: digest,
    name: basename(full),
  });
}

export async function hostFile(session: Session, { path }: { path: string }): Promise<Call> {
  const full = resolve(session.workdir, path);
  const entry = await scanHostFile(session.store, full);
  return new Call("File", undefined, "_file", {
    name: basename(full),
    entry: { ...entry, mtime: 0 } as never,
  });
}
