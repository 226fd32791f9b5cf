import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { $ } from "zx";
import { images } from "../../ci/src/versions.ts";
import { PrivateDaemon } from "../../engine/test/daemon.ts";
import { APP_IMAGE, PROJECT, Production, services, sleep } from "../stack/production.ts";
import { buildOptions, compose1, provideImages, root } from "../stack/tools.ts";
import { loki } from "./loki.ts";
import type { Store } from "./store.ts";
import { victoriaLogs } from "./victoria.ts";
import { SCRIPTS, writers } from "./writers.ts";

/** The production stack on its own Docker daemon, its collector, and a log store for it. */
export class Stage {
  private readonly daemon = new PrivateDaemon();
  store!: Store;
  stack!: Production;

  /** Starts everything; `settings` are compose's variables. */
  async start(): Promise<void> {
    this.store = await this.chooseStore();
    await provideImages();
    await $({ quiet: true, cwd: root })`scripts/images ${images.collector}`;
    await $({ quiet: true, cwd: root })`docker build -q -t ${APP_IMAGE} ${buildOptions(root)}`;
    await this.daemon.start();
    await this.daemon.load([...Production.images, images.collector, this.store.image]);
    const more = { store: this.store.service, consumer: consumer(), ...writers() };
    this.stack = new Production(this.daemon, await compose1(), more, {
      COMPOSE_PROJECT_NAME: PROJECT,
      COMPOSE_PROFILES: "logs",
      DOCKER_ROOT: join(this.daemon.folder, "data"),
      LOGS_ENDPOINT: this.store.endpoint,
      ENVIRONMENT: "rehearsal",
      SCRIPTS,
    });
  }

  async stop(): Promise<void> {
    await this.daemon.stop();
    await $({ quiet: true, nothrow: true })`docker rmi ${APP_IMAGE}`;
  }

  /** Recreates and starts services. Only volumes survive from an earlier run. */
  async begin(names: string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.stack.runWith(env, "up", "-d", "--no-deps", "--force-recreate", ...names);
  }

  /** Replaces collector and store by empty ones. */
  async fresh(env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.stack.run("rm", "--stop", "--force", "-v", "collector", "store", ...Object.keys(writers()));
    await this.stack.docker("volume", "rm", "--force", `${PROJECT}_collector`);
    await this.begin(["store"]);
    await this.begin(["collector"], env);
  }

  async id(service: string): Promise<string> {
    return (await this.stack.inspect(service)).Id;
  }

  async restartDocker(): Promise<void> {
    await this.daemon.restart();
  }

  /** Runs a command on the daemon's machine. */
  async onHost(...command: string[]): Promise<string> {
    const [program = "", ...rest] = this.daemon.inside(...command);
    return (await promisify(execFile)(program, rest, { maxBuffer: 1 << 30 })).stdout;
  }

  /** Bytes of the collector's queue on disk. */
  queueBytes(): number {
    const folder = join(this.daemon.folder, "data", "volumes", `${PROJECT}_collector`, "_data", "queue");
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  }

  /**
   * Waits until all services together have at least this many records and no more arrive, because duplicates count as well. The
   * last line of a stream comes late: the collector waits for its continuation.
   * Returns the seconds until the last one.
   */
  async arrived(names: string[], expected: number, patience = 30): Promise<number> {
    const started = Date.now();
    let [last, since] = [0, Date.now()];
    for (;;) {
      const counts = await Promise.all(names.map((name) => this.store.count(name).catch(() => 0)));
      const sum = counts.reduce((total, count) => total + count, 0);
      if (sum !== last) [last, since] = [sum, Date.now()];
      if (Date.now() - since > (last >= expected ? 12 : patience) * 1000) return (since - started) / 1000;
      await sleep(500);
    }
  }

  private async chooseStore(): Promise<Store> {
    const ask = async (path: string, query: Record<string, string>) => {
      const address = (await this.stack.inspect("store")).NetworkSettings.Networks[`${PROJECT}_logs`]
        .IPAddress;
      const fields = Object.entries(query).flatMap(([name, value]) => [
        "--data-urlencode",
        `${name}=${value}`,
      ]);
      const url = `http://${address}:${this.store.port}${path}`;
      return this.onHost("curl", "--silent", "--show-error", "--fail", "--get", ...fields, url);
    };
    const upstream = loki(ask);
    const pulled = await $({
      nothrow: true,
      quiet: true,
    })`docker image inspect ${upstream.image} || docker pull -q ${upstream.image}`;
    const store = pulled.exitCode === 0 ? upstream : victoriaLogs(ask);
    console.log(`the store is ${store.name}`);
    if (store !== upstream) await $({ quiet: true, cwd: root })`scripts/images ${store.image}`;
    return store;
  }
}

/** The production stack itself runs no consumer of order events. */
function consumer(): Record<string, unknown> {
  const worker = services.worker as Record<string, unknown>;
  return {
    ...worker,
    command: ["python", "manage.py", "consume_orders"],
    depends_on: [],
    healthcheck: { disable: true },
  };
}
