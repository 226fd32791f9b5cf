import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { root, sleep } from "./machine.ts";

interface Count {
  name: string;
  sent: number;
  failed: number;
  maintenance: number;
  sentAgain: number;
  reasons: Record<string, number>;
  median: number;
  p99: number;
}

/** The load of a rehearsal, from this machine; it ends with the tests. */
export class Load {
  private process?: ChildProcess;
  private readonly port = 18_080;

  async start(address: string, rate: number): Promise<void> {
    const env = { ...process.env, TARGET: address, RATE: String(rate), PORT: String(this.port) };
    this.process = spawn("node", [join(root, "scripts/rehearse/load.mjs")], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
    for (let tries = 0; tries < 50; tries++) {
      if (await this.ask("report").catch(() => undefined)) return;
      await sleep(100);
    }
    throw new Error("the load generator did not start");
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
