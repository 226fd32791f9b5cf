import { type Directory, dag, type Service } from "@dagger.io/dagger";
import { images } from "../versions.js";

/** What the load generator counted; times in milliseconds. */
export interface Count {
  name: string;
  sent: number;
  failed: number;
  maintenance: number;
  reasons: Record<string, number>;
  median: number;
  p99: number;
}

/** The count of one phase. Its median and p99 are those of the pages, without slow pages and uploads. */
export interface PhaseCount extends Count {
  /** The longest time without an answer of the application. */
  gap: number;
  /** From the first maintenance page to the last. */
  closed: number;
  /** By how much the generator was late, for 99 of 100 pages at most. */
  late: number;
  /** Pages that it did not send because too many were unanswered. */
  withheld: number;
}

/** What the steps of a rehearsal need of the load. */
export type Load = Omit<LoadGenerator, "start" | "stop">;

/** Sends requests to the VM at a constant rate. */
export class LoadGenerator {
  private readonly service: Service;

  constructor(source: Directory, vm: Service) {
    this.service = dag
      .container()
      .from(images.node)
      .withDirectory("/rehearse", source.directory("scripts/rehearse"))
      .withServiceBinding("vm", vm)
      .withExposedPort(8080)
      .asService({ args: ["node", "/rehearse/load.mjs", "vm", "0", "8080"] });
  }

  async start(): Promise<void> {
    await this.service.start();
  }

  async stop(): Promise<void> {
    await this.service.stop();
  }

  /** @returns pages per second that the stack serves at most. */
  async measure(): Promise<number> {
    return JSON.parse(await this.get("measure"));
  }

  /** @param rate pages per second. */
  async setRate(rate: number): Promise<void> {
    await this.get(`rate/${rate}`);
  }

  /** Counts the requests from now on under a name of their own. */
  async beginPhase(name: string): Promise<void> {
    await this.get(`phase/${encodeURIComponent(name)}`);
  }

  /** The counts so far. */
  async phases(): Promise<PhaseCount[]> {
    return JSON.parse(await this.get("report"));
  }

  /** Ends the load. */
  async end(): Promise<void> {
    await this.get("stop");
  }

  /** The counts of each kind of request: page, slow, upload. */
  async kinds(): Promise<Count[]> {
    return JSON.parse(await this.get("kinds"));
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
