import { Call } from "../core/call.ts";
import type { SecretValue } from "../core/values.ts";
import type { Evaluator, Resolver } from "../session/context.ts";
import { digestOf } from "../store/store.ts";

/** Fields of Query that make secrets. */
export const secretQueries: Record<string, Evaluator> = {
  secret: (_, { uri, cacheKey }, session): Promise<SecretValue> =>
    session.secrets.fromUri(uri, cacheKey ?? undefined),
  // As in the official engine, the cache key is the name within the module that set the secret: a step with a password
  // generated for each run can still be cached.
  setSecret: (_, { name, plaintext, _scope }): SecretValue => ({
    name,
    key: plaintext,
    cacheKey: digestOf("set", _scope, name),
  }),
};

export const secretResolvers: Record<string, Resolver> = {
  /** The recipe contains a keyed digest instead of the plaintext. */
  setSecret: ({ type, field, args }, { session, functionCallId = "" }) =>
    new Call(type, undefined, field, {
      ...args,
      plaintext: session.secrets.remember(args.plaintext as string),
      _scope: session.functionCalls.get(functionCallId)?.moduleDigest ?? "",
    }),
};

export const secret: Record<string, Evaluator> = {
  name: (value: SecretValue) => value.name,
  uri: (value: SecretValue) => value.uri ?? "",
  plaintext: async (value: SecretValue, _args, session) =>
    (await session.secrets.plaintext(value)).toString(),
};
