import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $, type ProcessOutput, type ProcessPromise } from "zx";
import { root, type Shared } from "./machine.ts";

/** Calls the functions of a site as a user does, with its own environments and cache. */
export class Caller {
  private readonly folder = mkdtempSync(join(tmpdir(), "stackline-calls-"));
  private readonly environments = join(this.folder, "environments");

  constructor(
    private readonly machine: Shared,
    private readonly secrets: Record<string, string>,
  ) {
    mkdirSync(this.environments);
  }

  /** Writes an environment file for the shared VM. */
  write(name: string, more: object): void {
    const { address, hostKey } = this.machine;
    const repository = "localhost:5000/app";
    const fields = { host: address, user: "deploy", hostKey, url: `http://${address}`, repository, ...more };
    writeFileSync(join(this.environments, `${name}.json`), JSON.stringify(fields));
  }

  /** @param name deploy, rollback or a function of `site`. */
  async run(name: string, env: string, ...args: string[]): Promise<ProcessOutput> {
    return this.start(name, env, ...args);
  }

  /** The same for a call that will be interrupted: it has its own process group, as at a terminal. */
  start(name: string, env: string, ...args: string[]): ProcessPromise {
    const secrets = Object.entries(this.secrets).map(([name, value]) => `${name}=${value}\n`);
    const variables = {
      ...process.env,
      STACKLINE_CACHE: join(this.folder, "cache"),
      STACKLINE_ENGINE: "embedded",
      THE_KEY: this.machine.key,
      THE_SECRETS: secrets.join(""),
      NO_SECRETS: "POSTGRES_DB=x\n",
    };
    const target = [`--env=${env}`, "--ssh-key=env://THE_KEY", `--environments=${this.environments}`];
    const isTopLevel = ["deploy", "rollback"].includes(name);
    const words = isTopLevel ? [name, ...target, ...args] : ["site", ...target, name, ...args];
    return $({
      nothrow: true,
      quiet: true,
      detached: true,
      cwd: root,
      env: variables,
    })`scripts/dagger call ${words}`;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export const lastLines = (run: ProcessOutput): string =>
  run.stdall.trimEnd().split("\n").slice(-12).join("\n");
