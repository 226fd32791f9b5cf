import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Something that goes wrong between Docker and a registry. */
export interface Fault {
  method: string;
  path: RegExp;
  /** How many requests it affects; all by default. */
  times?: number;
  /** The answer instead of the registry's; "drop" closes the connection, "hang" never answers. */
  answer: "drop" | "hang" | { status: number; headers?: Record<string, string>; body?: string };
}

export interface Seen {
  method: string;
  path: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** A reverse proxy in front of a registry that fails as told. */
export class FaultyRegistry {
  faults: Fault[] = [];
  seen: Seen[] = [];
  /** Scheme, host and port that uploads are sent to instead. */
  uploads: string | undefined;
  /** Sent instead of the client's own, as a signed URL would carry it. */
  authorization: string | undefined;
  private readonly server: Server;

  /** @param target host and port of the registry. */
  constructor(private readonly target: string) {
    this.server = createServer((asked, answer) => this.handle(asked, answer));
  }

  /** @returns its own host and port. */
  async start(): Promise<string> {
    await new Promise<void>((up) => this.server.listen(0, "127.0.0.1", up));
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Forgets faults and requests. */
  heal(): void {
    this.faults = [];
    this.seen = [];
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private handle(asked: IncomingMessage, answer: ServerResponse): void {
    const { method = "", url = "" } = asked;
    this.seen.push({ method, path: url, at: Date.now() });
    const fault = this.faults.find(
      ({ method: affected, path, times = 1 }) => affected === method && path.test(url) && times > 0,
    );
    if (!fault) this.pass(asked, answer);
    else {
      if (fault.times !== undefined) fault.times--;
      fail(fault.answer, asked, answer);
    }
  }

  /** The host name stays, so that redirects lead back through this server. */
  private pass(asked: IncomingMessage, answer: ServerResponse): void {
    const [host, port] = this.target.split(":");
    const { method, url: path } = asked;
    const headers = { ...asked.headers, ...(this.authorization && { authorization: this.authorization }) };
    const passed = request({ host, port, method, path, headers }, (given) => {
      const { location } = given.headers;
      const elsewhere = this.uploads &&
        location && { location: location.replace(/^https?:\/\/[^/]+/, this.uploads) };
      answer.writeHead(given.statusCode ?? 502, { ...given.headers, ...elsewhere });
      given.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  }
}

function fail(fault: Fault["answer"], asked: IncomingMessage, answer: ServerResponse): void {
  if (fault === "hang") return;
  if (fault === "drop") {
    asked.socket.destroy();
    return;
  }
  asked.resume().once("end", () => answer.writeHead(fault.status, fault.headers).end(fault.body));
}
