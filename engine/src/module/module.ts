import type { FunctionValue, ModuleValue, TypeDefValue } from "../api/types.ts";
import { type ArgValue, Call, callsIn, callsOf, decodeId, encodeId } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { SecretValue } from "../core/values.ts";
import { parseDuration } from "../docker/duration.ts";
import type { Args, Evaluator } from "../session/context.ts";
import type { Session } from "../session/session.ts";
import { digestOf } from "../store/store.ts";
import { fillDefaults } from "./arguments.ts";
import { camelCase, type ModuleConfig } from "./config.ts";
import type { Runtime } from "./runtime.ts";
import { ModuleTypes } from "./types.ts";

/** How long the result of a function is good for unless it says otherwise, in milliseconds: the official default. */
const DEFAULT_TTL = 7 * 24 * 3_600_000;

interface KeptResult {
  /** Milliseconds since 1970. */
  at: number;
  value: unknown;
}

/** Registers a module: from what was kept for the same sources, else by asking the SDK. */
export async function loadTypes(
  session: Session,
  runtime: Runtime,
  config: ModuleConfig,
): Promise<ModuleTypes> {
  const kept = session.store.getResult<ModuleValue>("modules", config.digest);
  if (kept) return new ModuleTypes(config.name, kept);
  const definition = await session.progress.step(`load module ${config.name}`, async (step) => {
    const id = await runtime.call({ parentName: "", name: "", parent: null, inputArgs: [] }, step.log);
    return session.evaluate<ModuleValue>(decodeId(id as string));
  });
  const types = new ModuleTypes(config.name, definition);
  if (!types.main)
    throw new UserError(
      `module ${config.name} has no class ${types.mainName} with @object(): add it to its sources`,
    );
  await session.store.putResult("modules", config.digest, definition);
  return types;
}

/** Runs a module's functions, and answers those that ran before under the same inputs from what was kept. */
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

  /** Whether a function asked never to be answered from a cache: then not even by an equal call of this session. */
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
      const kept = fn.cachePolicy === "Default" ? this.findKept(key, fn) : undefined;
      if (kept) step.cached();
      const value = kept ? kept.value : await this.run(object, fn, parent, given, step.log);
      if (!kept && fn.cachePolicy === "Default") {
        await this.session.store.putResult("calls", key, { at: Date.now(), value } satisfies KeptResult);
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

  private findKept(key: string, fn: FunctionValue): KeptResult | undefined {
    const kept = this.session.store.getResult<KeptResult>("calls", key);
    if (!kept) return undefined;
    const ttl = fn.timeToLive ? parseDuration(fn.timeToLive) : DEFAULT_TTL;
    return Date.now() - kept.at < ttl && this.canUse(kept.value) ? kept : undefined;
  }

  /** A result that refers to secrets set in an earlier session is of no use in this one. */
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
    // What an object holds counts as what is passed: the ID of a secret from this machine names its source alone.
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

  /** A value as a function's process gets it: objects of the API as IDs, the module's own as their state. */
  private async toJson(type: TypeDefValue, value: ArgValue): Promise<unknown> {
    if (Array.isArray(value) && type.element)
      return Promise.all(value.map((item) => this.toJson(type.element as TypeDefValue, item)));
    if (!(value instanceof Call)) return value;
    return this.types.isOwnObject(type.name) ? this.session.evaluate(value) : encodeId(value);
  }

  /** What a function returned, as the value of its field. */
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

/** Objects of the API that are part of a function's result, or of an object's state: they are there by their IDs. */
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
