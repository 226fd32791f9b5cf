import { type Call, encodeId } from "../core/call.ts";
import { loadedType } from "../schema/schema.ts";
import type { Resolver } from "../session/context.ts";
import { takeId, toCalls } from "../session/select.ts";

/** Fields that every object of the API and of a module has. */
const anyType: Record<string, Resolver> = {
  id: ({ parent }) => encodeId(parent as Call),
  sync: async ({ parent }, { session }) => {
    await session.evaluate(parent as Call);
    return encodeId(parent as Call);
  },
};

export const nodeQueries: Record<string, Resolver> = {
  node: ({ args }, caller) => takeId(caller, args.id as string),
};

/** Of `load<Type>FromID`, whatever the type. */
function load(type: string): Resolver {
  return ({ args }, caller) => toCalls(caller, "id", type, args.id);
}

/** The resolver of a field that is the same for all types. */
export function commonResolver(type: string, field: string): Resolver | undefined {
  if (type !== "Query") return anyType[field];
  const loaded = loadedType(field);
  return loaded === undefined ? undefined : load(loaded);
}
