import type { FunctionValue, ModuleValue, TypeDefValue } from "../api/types.ts";
import { type ArgValue, Call, callsIn, callsOf, decodeId, encodeId } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { SecretValue } from "../core/values.ts";
import { parseDuration } from "../docker/duration.ts";
import type { Args, Evaluator } from "../session/context.ts";
import type { Session } from "../session/session.ts";
import { digestOf } from "../store/store.ts";
import { fillDefaults } from "./arguments.ts";
import { camelCase, type ModuleConfig, pascalCase } from "./config.ts";
import type { Runtime } from "./runtime.ts";
import { ModuleTypes } from "./types.ts";

/** Default lifetime of a function's cached result, in milliseconds, as in the official engine. */
const DEFAULT_TTL = 7 * 24 * 3_600_000;

interface CachedResult {
  /** Milliseconds since 1970. */
  at: number;
  value: unknown;
}

/** Loads a module's types: from the cache if its sources are unchanged, else from the SDK. */
export async function loadTypes(
  session: Session,
  runtime: Runtime,
  config: ModuleConfig,
): Promise<ModuleTypes> {
  const cached = session.store.getResult<ModuleValue>("modules", config.digest);
  if (cached) return new ModuleTypes(config.apiName, cached, config.name);
  const definition = await session.progress.step(`load module ${config.name}`, async (step) => {
    const id = await runtime.call({ parentName: "", name: "", parent: null, inputArgs: [] }, step.log);
    return session.evaluate<ModuleValue>(session.reach.admit(decodeId(id as string)));
  });
  const types = new ModuleTypes(config.apiName, definition, config.name);
  if (!types.main)
    throw new UserError(
      `module ${config.name} has no class ${pascalCase(config.name)} with @object(): add it to its sources`,
    );
  await session.store.putResult("modules", config.digest, definition);
  return types;
}

/** Runs a module's functions; with unchanged inputs, the result comes from the cache. */
export class LoadedModule {
  constructor(
    private readonly session: Session,
    private readonly runtime: Runtime,
    readonly config: ModuleConfig,
    readonly types: ModuleTypes,
  ) {}

  /** The evaluator of a field that this module defines. */
  evaluator(typeName: string, field: string): Evaluator | undefined {
    if (typeName === "Query") {
      if (field !== this.types.constructorField) return undefined;
      return (_parent, args) => this.construct(args);
    }
    const object = this.types.objects.get(typeName);
    const fn = object?.functions.find((item) => camelCase(item.name) === field);
    if (object && fn) return (parent, args) => this.call(object, fn, parent, args);
    const exposed = object?.fields.find((item) => camelCase(item.name) === field);
    if (!exposed) return undefined;
    return (parent) => this.toValue(exposed.typeDef, parent[exposed.name]);
  }

  /** Whether a function is never cached: then not even within a session. */
  runsAnew(typeName: string, field: string): boolean {
    const fn = this.types.objects.get(typeName)?.functions.find((item) => camelCase(item.name) === field);
    return fn?.cachePolicy === "Never";
  }

  private async construct(args: Args): Promise<unknown> {
    const { main } = this.types;
    return main.constructorFunction ? this.call(main, main.constructorFunction, {}, args) : {};
  }

  private async call(object: TypeDefValue, fn: FunctionValue, parent: unknown, args: Args): Promise<unknown> {
    const given = await fillDefaults(this.session, this.config, fn, args);
    const title = fn.name === "" ? object.name : `${object.name}.${fn.name}`;
    return this.session.progress.step(title, async (step) => {
      const key = await this.cacheKey(object, fn, parent, given);
      const cached = fn.cachePolicy === "Default" ? this.findCached(key, fn) : undefined;
      if (cached) step.cached();
      const value = cached ? cached.value : await this.run(object, fn, parent, given, step.log);
      for (const call of callsInState(value)) this.session.reach.admit(call);
      if (!cached && fn.cachePolicy === "Default") {
        await this.session.store.putResult("calls", key, { at: Date.now(), value } satisfies CachedResult);
      }
      const returns: TypeDefValue = fn.name === "" ? { ...object, kind: "OBJECT_KIND" } : fn.returnType;
      return this.toValue(returns, value);
    });
  }

  private async run(
    object: TypeDefValue,
    fn: FunctionValue,
    parent: unknown,
    args: Args,
    log: (text: string) => void,
  ): Promise<unknown> {
    const inputArgs = await Promise.all(
      fn.args
        .filter(({ name }) => args[name] !== null && args[name] !== undefined)
        .map(async ({ name, typeDef }) => ({ name, value: await this.toJson(typeDef, args[name]) })),
    );
    return this.runtime.call({ parentName: object.name, name: fn.name, parent, inputArgs }, log);
  }

  private findCached(key: string, fn: FunctionValue): CachedResult | undefined {
    const cached = this.session.store.getResult<CachedResult>("calls", key);
    if (!cached) return undefined;
    const ttl = fn.timeToLive ? parseDuration(fn.timeToLive) : DEFAULT_TTL;
    return Date.now() - cached.at < ttl && this.canUse(cached.value) ? cached : undefined;
  }

  /** A result that refers to secrets set in an earlier session cannot be used in this one. */
  private canUse(value: unknown): boolean {
    return callsInState(value)
      .flatMap(callsOf)
      .every(
        ({ field, parent, args }) =>
          parent !== undefined ||
          field !== "setSecret" ||
          this.session.secrets.knows(args.plaintext as string),
      );
  }

  private async cacheKey(
    object: TypeDefValue,
    fn: FunctionValue,
    parent: unknown,
    args: Args,
  ): Promise<string> {
    // Secrets in an object's fields count like secret arguments: their IDs contain their source, not their value.
    const calls = [...callsIn(args), ...callsInState(parent)];
    const uris = calls
      .flatMap(callsOf)
      .filter((call) => call.parent === undefined && call.field === "secret");
    const secrets = await Promise.all(
      uris.map(async (call) => (await this.session.evaluate<SecretValue>(call)).cacheKey),
    );
    const plain = Object.entries(args).map(([name, value]) => [
      name,
      value instanceof Call ? value.digest : toKey(value),
    ]);
    return digestOf("call", this.config.digest, object.name, fn.name, parent, plain, secrets);
  }

  /** A value as it is passed to a function's process: objects of the API as IDs, the module's own as their state. */
  private async toJson(type: TypeDefValue, value: ArgValue): Promise<unknown> {
    if (Array.isArray(value) && type.element)
      return Promise.all(value.map((item) => this.toJson(type.element as TypeDefValue, item)));
    if (!(value instanceof Call)) return value;
    return this.types.isOwnObject(type.name) ? this.session.evaluate(value) : encodeId(value);
  }

  /** A function's result as the value of its field. */
  private async toValue(type: TypeDefValue, value: unknown): Promise<unknown> {
    if (value === null || value === undefined) return null;
    if (type.kind === "LIST_KIND")
      return Promise.all(
        (value as unknown[]).map((item) => this.toValue(type.element as TypeDefValue, item)),
      );
    if (type.kind !== "OBJECT_KIND" || this.types.isOwnObject(type.name)) return value;
    return this.session.evaluate(decodeId(value as string));
  }
}

/** Objects of the API in a function's result or an object's state, which contain their IDs. */
function callsInState(value: unknown): Call[] {
  if (value !== null && typeof value === "object") return Object.values(value).flatMap(callsInState);
  if (typeof value !== "string" || value.length < 40 || !/^[\w-]+$/.test(value)) return [];
  try {
    return [decodeId(value)];
  } catch {
    return [];
  }
}

function toKey(value: unknown): unknown {
  if (value instanceof Call) return value.digest;
  return Array.isArray(value) ? value.map(toKey) : value;
}
