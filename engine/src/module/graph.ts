import type { GraphQLSchema } from "graphql";
import { schemaWith } from "../schema/schema.ts";
import type { Evaluator } from "../session/context.ts";
import type { SessionServer } from "../session/server.ts";
import type { Session } from "../session/session.ts";
import type { ModuleConfig } from "./config.ts";
import { LoadedModule, loadTypes } from "./module.ts";
import { Runtime } from "./runtime.ts";

/** A module with those that it depends on. Each sees the API, its own types, and those of its direct dependencies. */
export class ModuleGraph {
  /** By their names in the API. */
  private readonly modules = new Map<string, Promise<LoadedModule>>();
  private readonly ready: LoadedModule[] = [];
  /** By digests of modules. */
  private readonly schemas = new Map<string, GraphQLSchema>();

  constructor(
    private readonly session: Session,
    private readonly server: SessionServer,
    private readonly core: GraphQLSchema,
  ) {}

  /** Loads a module after its dependencies. */
  load(config: ModuleConfig): Promise<LoadedModule> {
    const loaded = this.modules.get(config.apiName) ?? this.loadNew(config);
    this.modules.set(config.apiName, loaded);
    return loaded;
  }

  private async loadNew(config: ModuleConfig): Promise<LoadedModule> {
    const dependencies = await Promise.all(config.dependencies.map((item) => this.load(item)));
    const types = dependencies.map((module) => module.types);
    const schema = types.reduce((made, item) => schemaWith(made, item.toGraphQL()), this.core);
    this.schemas.set(config.digest, schema);
    const runtime = new Runtime(this.session, this.server, config, types);
    const own = await loadTypes(this.session, runtime, config);
    this.schemas.set(config.digest, schemaWith(schema, own.toGraphQL()));
    const module = new LoadedModule(this.session, runtime, config, own);
    this.ready.push(module);
    return module;
  }

  /** The API as the process of a function call has it. */
  schemaOf(functionCallId: string): GraphQLSchema {
    const digest = this.session.functionCalls.get(functionCallId)?.moduleDigest ?? "";
    return this.schemas.get(digest) ?? this.core;
  }

  /** The evaluator of a field that a module defines. */
  evaluator(type: string, field: string): Evaluator | undefined {
    for (const module of this.ready) {
      const found = module.evaluator(type, field);
      if (found) return found;
    }
    return undefined;
  }

  /** Whether a function is never cached. */
  runsAnew(type: string, field: string): boolean {
    return this.ready.some((module) => module.runsAnew(type, field));
  }
}
