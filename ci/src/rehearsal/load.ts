import { type Directory, dag, type Service } from "@dagger.io/dagger";
import { images } from "../versions.js";

/** What the load generator counted in one phase; times in milliseconds. */
export interface Count {
  name: string;
  sent: number;
  failed: number;
  maintenance: number;
  sentAgain: number;
  reasons: Record<string, number>;
  median: number;
  p99: number;
}

/** Sends requests to the VM at a constant rate. */
export class LoadGenerator {
  private readonly service: Service;

  /** @param rate requests per second. */
  constructor(source: Directory, vm: Service, rate: number) {
    this.service = dag
      .container()
      .from(images.node)
      .withFile("/load.mjs", source.file("scripts/rehearse/load.mjs"))
      .withServiceBinding("vm", vm)
      .withExposedPort(8080)
      .asService({ args: ["node", "/load.mjs", "vm", String(rate), "8080"] });
  }

  async start(): Promise<void> {
    await this.service.start();
  }

  async stop(): Promise<void> {
    await this.service.stop();
  }

  /** Counts the requests from now on under a name of their own. */
  async beginPhase(name: string): Promise<void> {
    await this.get(`phase/${encodeURIComponent(name)}`);
  }

  /** Ends the load. */
  async report(): Promise<Count[]> {
    await this.get("stop");
    return JSON.parse(await this.get("report"));
  }

  private get(path: string): Promise<string> {
    const script = "fetch(process.argv[1]).then((answer) => answer.text()).then(console.log)";
    return dag
      .container()
      .from(images.node)
      .withServiceBinding("load", this.service)
      .withEnvVariable("STACKLINE_CALLED_AT", `${Date.now()} ${Math.random()}`)
      .withExec(["node", "--eval", script, `http://load:8080/${path}`])
      .stdout();
  }
}
