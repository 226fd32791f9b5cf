import { createHash } from "node:crypto";

/** A value in the arguments of a call: plain JSON, or another call where the API takes an ID. */
export type ArgValue = null | string | number | boolean | Call | ArgValue[] | { [key: string]: ArgValue };

/**
 * One immutable step of a recipe: a field of the API, selected on a parent, with its arguments.
 * Creating one runs nothing. Its digest covers the whole chain, so equal recipes are equal calls.
 */
export class Call {
  readonly digest: string;

  constructor(
    /** Name of the GraphQL type that the call returns, e.g. "Container". */
    readonly type: string,
    readonly parent: Call | undefined,
    readonly field: string,
    readonly args: Readonly<Record<string, ArgValue>> = {},
    /** For an item of a list: its index in the list that the field returned. */
    readonly nth?: number,
  ) {
    this.digest = createHash("sha256").update(JSON.stringify(this.toWire())).digest("hex");
  }

  /** The call as JSON, with other calls named by their digests. */
  toWire(): WireCall {
    return {
      type: this.type,
      field: this.field,
      args: Object.fromEntries(sortedEntries(this.args).map(([name, value]) => [name, toWireValue(value)])),
      ...(this.parent && { parent: this.parent.digest }),
      ...(this.nth !== undefined && { nth: this.nth }),
    };
  }
}

interface WireCall {
  type: string;
  field: string;
  args: Record<string, unknown>;
  parent?: string;
  nth?: number;
}

interface WireRecipe {
  root: string;
  calls: Record<string, WireCall>;
}

const CALL_KEY = "$call";

function sortedEntries(args: Readonly<Record<string, ArgValue>>): [string, ArgValue][] {
  return Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1));
}

function toWireValue(value: ArgValue): unknown {
  if (value instanceof Call) return { [CALL_KEY]: value.digest };
  if (Array.isArray(value)) return value.map(toWireValue);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(sortedEntries(value).map(([name, item]) => [name, toWireValue(item)]));
  }
  return value;
}

/** Every call in the recipe of `call`, itself included, each once. */
export function callsOf(call: Call): Call[] {
  const found = new Map<string, Call>();
  const pending = [call];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (found.has(next.digest)) continue;
    found.set(next.digest, next);
    if (next.parent) pending.push(next.parent);
    pending.push(...callsIn(next.args));
  }
  return [...found.values()];
}

/** The calls in arguments, at any depth. */
export function callsIn(value: ArgValue | Readonly<Record<string, ArgValue>>): Call[] {
  if (value instanceof Call) return [value];
  if (value === null || typeof value !== "object") return [];
  return Object.values(value).flatMap(callsIn);
}

/** The ID of a call: its whole recipe, self-contained, so that any session can take it up. */
export function encodeId(call: Call): string {
  const calls = Object.fromEntries(callsOf(call).map((item) => [item.digest, item.toWire()]));
  return Buffer.from(JSON.stringify({ root: call.digest, calls } satisfies WireRecipe)).toString("base64url");
}

/**
 * Decodes an ID.
 * @throws Error when the text is not an ID of this engine, or its content does not match its digest.
 */
export function decodeId(id: string): Call {
  const recipe = parseRecipe(id);
  const done = new Map<string, Call>();
  // Iterative, children first: a chain of thousands of calls must not exhaust the stack.
  const pending = [recipe.root];
  while (pending.length > 0) {
    const digest = pending[pending.length - 1] as string;
    const wire = recipe.calls[digest];
    if (!wire) throw new Error(`invalid ID: it refers to a call that it does not contain`);
    const missing = digestsIn(wire).filter((needed) => !done.has(needed));
    if (missing.length > 0 && pending.length > 100_000)
      throw new Error("invalid ID: its calls refer to each other");
    if (missing.length > 0) {
      pending.push(...missing);
      continue;
    }
    pending.pop();
    if (!done.has(digest)) done.set(digest, fromWire(wire, done));
  }
  const call = done.get(recipe.root) as Call;
  if (call.digest !== recipe.root) throw new Error("invalid ID: its content does not match its digest");
  return call;
}

function parseRecipe(id: string): WireRecipe {
  try {
    const recipe = JSON.parse(Buffer.from(id, "base64url").toString()) as WireRecipe;
    if (typeof recipe.root === "string" && typeof recipe.calls === "object" && recipe.calls) return recipe;
  } catch {
    // Reported below: the remedy is the same whatever is wrong with the text.
  }
  throw new Error(`invalid ID ${JSON.stringify(id.slice(0, 40))}: pass an ID that this engine returned`);
}

function digestsIn(wire: WireCall): string[] {
  const found: string[] = wire.parent ? [wire.parent] : [];
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== "object") return;
    const digest = (value as Record<string, unknown>)[CALL_KEY];
    if (typeof digest === "string") found.push(digest);
    else Object.values(value).forEach(visit);
  };
  visit(wire.args);
  return found;
}

function fromWire(wire: WireCall, done: Map<string, Call>): Call {
  const revive = (value: unknown): ArgValue => {
    if (value === null || typeof value !== "object") return value as ArgValue;
    if (Array.isArray(value)) return value.map(revive);
    const digest = (value as Record<string, unknown>)[CALL_KEY];
    if (typeof digest === "string") return done.get(digest) as Call;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, revive(item)]));
  };
  const args = Object.fromEntries(Object.entries(wire.args).map(([name, value]) => [name, revive(value)]));
  return new Call(wire.type, wire.parent ? done.get(wire.parent) : undefined, wire.field, args, wire.nth);
}
