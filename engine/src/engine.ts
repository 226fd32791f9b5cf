import type { GraphQLSchema } from "graphql";
import { evaluators, findResolver } from "./api/index.ts";
import { loadModuleConfig } from "./module/config.ts";
import { ModuleGraph } from "./module/graph.ts";
import type { LoadedModule } from "./module/module.ts";
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
  /** The API as the user's own client has it. */
  schema: GraphQLSchema = coreSchema();
  module?: LoadedModule;
  private readonly modules: ModuleGraph;

  constructor({ view, workdir, storePath = cacheDirectory() }: EngineOptions) {
    this.session = new Session({
      store: new Store(storePath),
      view,
      evaluators,
      findResolver,
      ...(workdir && { workdir }),
      moduleEvaluator: (type, field) => this.modules.evaluator(type, field),
      runsAnew: (type, field) => this.modules.runsAnew(type, field),
    });
    this.server = new SessionServer(this.session, (id) =>
      id === undefined ? this.schema : this.modules.schemaOf(id),
    );
    this.modules = new ModuleGraph(this.session, this.server, this.schema);
  }

  /** Opens the endpoint and, if containers will be needed, removes what killed runs left in Docker. */
  async start(withDocker: boolean): Promise<void> {
    await Promise.all([withDocker && this.session.reap(), this.server.listen()]);
  }

  /** Loads the module at or above a folder; its types become part of the API. */
  async loadModule(path: string): Promise<LoadedModule> {
    this.module = await this.modules.load(loadModuleConfig(path));
    this.schema = schemaWith(this.schema, this.module.types.toGraphQL());
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
