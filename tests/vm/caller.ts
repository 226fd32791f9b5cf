import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $, type ProcessOutput, type ProcessPromise } from "zx";
import { root, type Shared } from "./machine.ts";

/** Calls the module's functions as a user does, with environments and a cache of its own. */
export class Caller {
  private readonly folder = mkdtempSync(join(tmpdir(), "stackline-calls-"));
  private readonly environments = join(this.folder, "environments");

  constructor(
    private readonly machine: Shared,
    private readonly secrets: Record<string, string>,
  ) {
    mkdirSync(this.environments);
  }

  /** Makes an environment of the shared machine. */
  write(name: string, more: object): void {
    const { address, hostKey } = this.machine;
    const repository = "localhost:5000/app";
    const fields = { host: address, user: "deploy", hostKey, url: `http://${address}`, repository, ...more };
    writeFileSync(join(this.environments, `${name}.json`), JSON.stringify(fields));
  }

  async run(name: string, env: string, ...args: string[]): Promise<ProcessOutput> {
    return this.start(name, env, ...args);
  }

  /** The same for a call that is to be interrupted: it has a process group of its own, as at a terminal. */
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
    return $({
      nothrow: true,
      quiet: true,
      detached: true,
      cwd: root,
      env: variables,
    })`scripts/dagger call ${name} ${target} ${args}`;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export const lastLines = (run: ProcessOutput): string =>
  run.stdall.trimEnd().split("\n").slice(-12).join("\n");
