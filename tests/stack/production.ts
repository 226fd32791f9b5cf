import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { $, type ProcessOutput } from "zx";
import { images } from "../../ci/src/versions.ts";
import type { PrivateDaemon } from "../../engine/test/daemon.ts";
import { type Compose, root } from "./tools.ts";

export const APP_IMAGE = "stackline-app:stack-test";
export const PROJECT = "production";
const file = join(root, "docker-compose.prod.yml");

interface Service {
  restart?: string;
  profiles?: string[];
  depends_on?: Record<string, { condition: string }>;
}

const every: Record<string, Service> = parse(readFileSync(file, "utf8"), { merge: true }).services;
/** The services that docker-compose.prod.yml starts without a profile, with anchors resolved. */
export const services = Object.fromEntries(Object.entries(every).filter(([, { profiles }]) => !profiles));
export const longRunning = Object.keys(services).filter((name) => services[name]?.restart !== "no");

/** Unique confidential values. Host names are case-insensitive, and a port may start with a zero. */
export const canaries: Record<string, string> = {
  POSTGRES_DB: "canary_db_7f3a",
  POSTGRES_USER: "canary_user_51bd",
  POSTGRES_PASSWORD: "canary-pw-\"9c'2e\\04",
  DATABASE_HOST: "pOsTgReS",
  DATABASE_PORT: "05432",
  REDIS_HOST: "rEdIs",
  REDIS_PORT: "06379",
  REDIS_PASSWORD: "canary-redis-\"d8'1a\\6b",
  KAFKA_HOST: "kAfKa",
  KAFKA_PORT: "09092",
  SECRET_KEY: "canary-key-3be06d",
  API_TOKEN: "canary-token-a417f2",
  LOGS_AUTHORIZATION: "Basic canary-logs-5d20",
  GRAFANA_PASSWORD: "canary-grafana-09d1",
};

/** The production stack on its own Docker daemon, with canary values as secrets. */
export class Production {
  private readonly secrets: string;
  readonly notes: string;
  private readonly override: string;

  /** @param more further services. @param settings environment variables for compose. */
  constructor(
    readonly daemon: PrivateDaemon,
    public compose: Compose,
    more: Record<string, unknown> = {},
    private readonly settings: NodeJS.ProcessEnv = {},
  ) {
    const at = (name: string) => join(daemon.folder, name);
    this.secrets = at("secrets");
    this.notes = at("notes");
    this.override = at("writer.json");
    mkdirSync(this.secrets, { mode: 0o700 });
    for (const [name, value] of Object.entries(canaries))
      writeFileSync(join(this.secrets, name), value, { mode: 0o444 });
    mkdirSync(this.notes);
    writeFileSync(this.override, JSON.stringify({ services: { writer: this.writer(), ...more } }));
  }

  /** All images of the stack. */
  static images = [APP_IMAGE, images.postgres, images.redis, images.kafka, images.nginx];

  async run(...args: string[]): Promise<ProcessOutput> {
    return this.runWith({}, ...args);
  }

  async runWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<ProcessOutput> {
    const all = {
      ...this.compose.env,
      ...this.settings,
      ...env,
      DOCKER_HOST: this.daemon.env.DOCKER_HOST,
      APP_IMAGE,
      SECRETS_DIR: this.secrets,
    };
    // Readable by the containers, whatever the umask of the tests' user.
    const command = [...this.compose.command, "-p", PROJECT, "-f", file, "-f", this.override, ...args];
    return $({ quiet: true, env: all })`${command}`;
  }

  /** Starts everything and returns the seconds until all of it is healthy. */
  async up(): Promise<number> {
    const started = Date.now();
    const names = Object.keys(services);
    await this.run("up", "-d", ...(this.compose.command.length > 1 ? ["--wait"] : []), ...names);
    while ((await this.unhealthy()).length > 0) await sleep(200);
    return (Date.now() - started) / 1000;
  }

  async docker(...args: string[]): Promise<string> {
    return (await $({ quiet: true, env: this.daemon.env })`docker ${args}`).stdout;
  }

  /** The output of `docker inspect` for a service's container. */
  // biome-ignore lint/suspicious/noExplicitAny: Docker's own structure
  async inspect(service: string): Promise<any> {
    const filter = `label=com.docker.compose.service=${service}`;
    const id = (await this.docker("ps", "--all", "--quiet", "--filter", filter)).trim().split("\n")[0];
    return JSON.parse(await this.docker("inspect", id ?? ""))[0];
  }

  /**
   * Memory of a service's processes in MiB: their proportional set sizes, so that shared pages count once.
   * `docker stats` reports 0 if the daemon has no memory controller.
   */
  async memory(service: string): Promise<number> {
    const { Id } = await this.inspect(service);
    const pids = [...(await this.docker("top", Id, "-eo", "pid")).matchAll(/^\s*(\d+)\s*$/gm)];
    const files = pids.map(([, pid]) => `/proc/${pid}/smaps_rollup`);
    const told = (await $({ nothrow: true, quiet: true })`${this.daemon.inside("cat", ...files)}`).stdout;
    const kibibytes = [...told.matchAll(/^Pss: +(\d+) kB$/gm)].map(([, pss]) => Number(pss));
    if (kibibytes.length === 0) throw new Error(`no process of ${service} tells of its memory`);
    return kibibytes.reduce((sum, each) => sum + each, 0) / 1024;
  }

  /** The long-running services that are stopped or not healthy. */
  async unhealthy(): Promise<string[]> {
    const format = '{{.Label "com.docker.compose.service"}} {{.Status}}';
    const lines = (await this.docker("ps", "--format", format)).split("\n");
    const healthy = lines.filter((line) => line.endsWith("(healthy)")).map((line) => line.split(" ")[0]);
    return longRunning.filter((name) => !healthy.includes(name));
  }

  /** The six items of /checks through nginx as `name ok`, otherwise the response. */
  async checks(): Promise<string[]> {
    const ask = ["curl", "-sS", "-m", "8", "-H", "Accept: application/json", "http://localhost/checks/"];
    const answer = await $({ nothrow: true, quiet: true })`${this.daemon.inside(...ask)}`;
    try {
      const { checks } = JSON.parse(answer.stdout) as {
        checks: { id: string; ok: boolean; reason: string }[];
      };
      return checks.map(({ id, ok, reason }) => `${id} ${ok ? "ok" : reason}`);
    } catch {
      return [answer.stdout.slice(0, 100) || answer.stderr];
    }
  }

  async allGreen(): Promise<boolean> {
    const lines = await this.checks();
    return lines.length === 6 && lines.every((line) => line.endsWith(" ok"));
  }

  /** A container with the worker's settings that runs writer.py instead. */
  private writer(): Record<string, unknown> {
    const { depends_on: _, healthcheck: __, ...worker } = services.worker as Record<string, unknown>;
    return {
      ...worker,
      user: "0:0", // writes to a folder of the tests' user
      command: ["python", "/writer.py", "write"],
      environment: { ...(worker.environment as object), FAULT: "$" + "{FAULT:-none}" },
      volumes: [`${root}tests/stack/writer.py:/writer.py:ro`, `${this.notes}:/notes`],
      restart: "on-failure",
      healthcheck: { disable: true },
    };
  }
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((wake) => setTimeout(wake, milliseconds));
