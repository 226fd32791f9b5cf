import { UserError } from "../core/errors.ts";
import type { Evaluator } from "../session/context.ts";

/** What a JSONValue call evaluates to: JSON text. */
export interface JsonText {
  data: string;
}

/** @throws UserError for a text that is not JSON. */
export function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new UserError(`invalid JSON: ${(error as Error).message}`);
  }
}

/** JSON as Go writes it, which the official engine's results contain: keys in order, and no characters special in HTML. */
export function formatJson(value: unknown, indent = ""): string {
  return JSON.stringify(sorted(value), undefined, indent).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const of = (value: unknown): JsonText => ({ data: formatJson(value) });

/** An evaluator that decodes a value of one kind. */
function decoded(kind: string, isKind: (value: unknown) => boolean): Evaluator {
  return ({ data }: JsonText) => {
    const value = parseJson(data);
    if (isKind(value)) return value;
    throw new UserError(`value is not ${kind}`);
  };
}

function fieldAt(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (!isObject(current)) throw new UserError(`can't lookup field '${name}' in non-object value`);
    if (!Object.hasOwn(current, name)) throw new UserError(`no such field: '${name}'`);
    current = current[name];
  }
  return current;
}

/** An object with a field set; what is in its way on the path becomes an object. */
function withFieldAt(value: unknown, [name, ...rest]: readonly string[], field: unknown): unknown {
  const object = isObject(value) ? value : {};
  if (name === undefined) return object;
  const own = Object.hasOwn(object, name) ? object[name] : undefined;
  const set = rest.length > 0 ? withFieldAt(own, rest, field) : field;
  return Object.fromEntries([...Object.entries(object).filter(([key]) => key !== name), [name, set]]);
}

export const jsonQueries: Record<string, Evaluator> = {
  json: () => of(null),
};

export const jsonValue: Record<string, Evaluator> = {
  contents: ({ data }: JsonText, { pretty, indent }) =>
    pretty ? formatJson(parseJson(data), indent ?? "") : data,
  withContents: (_: JsonText, { contents }): JsonText => {
    parseJson(contents);
    return { data: contents };
  },
  newInteger: (_: JsonText, { value }) => of(value),
  newString: (_: JsonText, { value }) => of(value),
  newBoolean: (_: JsonText, { value }) => of(value),
  asInteger: decoded("an integer", Number.isInteger),
  asString: decoded("a string", (value) => typeof value === "string"),
  asBoolean: decoded("a boolean", (value) => typeof value === "boolean"),
  asArray: async (value: JsonText, args, session, call) =>
    ((await decoded("an array", Array.isArray)(value, args, session, call)) as unknown[]).map(of),
  fields: ({ data }: JsonText) => {
    const value = parseJson(data);
    if (!isObject(value)) throw new UserError("value is not an object");
    return Object.keys(value).sort();
  },
  field: ({ data }: JsonText, { path }) => of(fieldAt(parseJson(data), path)),
  withField: async ({ data }: JsonText, { path, value }, session) =>
    of(withFieldAt(parseJson(data), path, parseJson((await session.evaluate<JsonText>(value)).data))),
};
