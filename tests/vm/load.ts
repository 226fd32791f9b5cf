import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Count } from "../../ci/src/rehearsal/load.ts";
import { root, sleep } from "./machine.ts";

/** The load of a rehearsal, from this machine; it ends with the tests. */
export class Load {
  private process?: ChildProcess;
  private port = 0;

  async start(address: string, rate: number): Promise<void> {
    const script = join(root, "scripts/rehearse/load.mjs");
    this.process = spawn("node", [script, address, String(rate), "0"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(this.process.stdout as NodeJS.ReadableStream, "data");
    this.port = Number(String(line));
  }

  begin(phase: string): Promise<Count[]> {
    return this.ask(`phase/${encodeURIComponent(phase)}`);
  }

  /** What was counted in a phase; requests that are under way have 3 s to end. */
  async count(phase: string): Promise<Count> {
    await this.ask("stop");
    await sleep(3000);
    const count = (await this.ask("report")).find(({ name }) => name === phase);
    if (!count) throw new Error(`there was no phase ${phase}`);
    return count;
  }

  stop(): void {
    this.process?.kill();
  }

  private async ask(what: string): Promise<Count[]> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/${what}`)).json()) as Count[];
  }
}
