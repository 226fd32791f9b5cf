import { randomUUID } from "node:crypto";
import { Call } from "../core/call.ts";
import type { Args, Resolver, SessionContext } from "../session/context.ts";

/**
 * Resolves a field that writes to the host: the path is checked before anything runs, and each selection writes anew.
 * @param check throws for a path that cannot be written.
 */
export function exporting(check: (args: Args, session: SessionContext) => void): Resolver {
  return ({ parent, field, type, args }, { session }) => {
    check(args, session);
    const call = new Call(type, parent, field, { ...args, _once: randomUUID() });
    // The end of the session waits for it: no file stays incomplete.
    return session.work.once(`export ${call.digest}`, () => session.evaluate(call));
  };
}
