import { UserError } from "../core/errors.ts";

/** Of `withError`: an empty message is no error. */
export function failUnlessEmpty<T>(value: T, message: string): T {
  if (message === "") return value;
  throw new UserError(message);
}
