import { type Call, callsOf } from "../core/call.ts";
import { UserError } from "../core/errors.ts";

/**
 * Fields that reach the caller's machine. For a module's function that is its container in the official engine; here its
 * process runs on the user's machine, which these fields would open to it. `Host.tunnel` is not one of them: it listens on
 * the loopback address, as the process itself can.
 */
const reaching = new Set([
  "Query.secret",
  "Host.containerImage",
  "Host.directory",
  "Host.file",
  "Host.findUp",
  "Host.service",
  "Host.unixSocket",
  "Changeset.export",
  "Container.export",
  "Container.exportImage",
  "Directory.export",
  "File.export",
  "Service.up",
]);

/** Which calls reach the user's machine: only those that the user's own client made. */
export class Reach {
  private readonly granted = new Set<string>();

  /** @throws UserError when a module's function selects a field that reaches the machine. */
  check(type: string, field: string, isFunction: boolean): void {
    if (isFunction && reaching.has(`${type}.${field}`)) throw refusal(type, field);
  }

  /** Notes a call of the user's client, whose result functions may be given. */
  grant(call: Call): void {
    if (reaching.has(fieldOf(call))) this.granted.add(call.digest);
  }

  /**
   * Checks a call that a function's process sent as an ID: an ID is a recipe, which anyone can write.
   * @throws UserError when a part of it reaches the machine, and the user's client did not make that part.
   */
  admit(call: Call): Call {
    for (const part of callsOf(call))
      if (reaching.has(fieldOf(part)) && !this.granted.has(part.digest))
        throw refusal(part.parent?.type ?? "Query", part.field);
    return call;
  }
}

function fieldOf({ parent, field }: Call): string {
  return `${parent?.type ?? "Query"}.${field}`;
}

function refusal(type: string, field: string): UserError {
  return new UserError(
    `${type}.${field} is refused in a module's function, which must not reach this machine: pass the value as an argument, or return it`,
  );
}
