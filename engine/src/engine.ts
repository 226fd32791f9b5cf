import type { GraphQLSchema } from "graphql";
import { evaluators, findResolver } from "./api/index.ts";
import { loadModuleConfig } from "./module/config.ts";
import { LoadedModule, loadTypes } from "./module/module.ts";
import { Runtime } from "./module/runtime.ts";
import { coreSchema, schemaWith } from "./schema/schema.ts";
import type { Caller } from "./session/context.ts";
import type { ProgressView } from "./session/progress.ts";
import { SessionServer } from "./session/server.ts";
import { Session } from "./session/session.ts";
import { cacheDirectory } from "./store/location.mjs";
import { Store } from "./store/store.ts";

export interface EngineOptions {
  view: ProgressView;
  /** Folder that paths are relative to. */
  workdir?: string;
  storePath?: string;
}

/** A session with its endpoint and, once loaded, a module. */
export class Engine {
  readonly session: Session;
  readonly server: SessionServer;
  schema: GraphQLSchema = coreSchema();
  module?: LoadedModule;

  constructor({ view, workdir, storePath = cacheDirectory() }: EngineOptions) {
    this.session = new Session({
      store: new Store(storePath),
      view,
      evaluators,
      findResolver,
      ...(workdir && { workdir }),
      moduleEvaluator: (type, field) => this.module?.evaluator(type, field),
      runsAnew: (type, field) => this.module?.runsAnew(type, field) ?? false,
    });
    this.server = new SessionServer(this.session, () => this.schema);
  }

  /** Opens the endpoint and, if containers will be needed, removes what killed runs left in Docker. */
  async start(withDocker: boolean): Promise<void> {
    await Promise.all([withDocker && this.session.reap(), this.server.listen()]);
  }

  /** Loads the module at or above a folder; its types become part of the API. */
  async loadModule(path: string): Promise<LoadedModule> {
    const config = loadModuleConfig(path);
    const runtime = new Runtime(this.session, this.server, config);
    const types = await loadTypes(this.session, runtime, config);
    this.schema = schemaWith(this.schema, types.toGraphQL());
    this.module = new LoadedModule(this.session, runtime, config, types);
    return this.module;
  }

  get caller(): Caller {
    return { session: this.session, schema: this.schema };
  }

  async close(): Promise<void> {
    this.server.close();
    await this.session.close();
  }
}
