import { UserError } from "../core/errors.ts";
import type { Args } from "../session/context.ts";

export function refuseNesting(args: Args): void {
  if (args.experimentalPrivilegedNesting) {
    throw new UserError(
      "experimentalPrivilegedNesting: the embedded engine does not have it; the official engine does (STACKLINE_ENGINE=dagger)",
    );
  }
}
