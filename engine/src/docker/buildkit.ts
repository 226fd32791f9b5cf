import { createRequire } from "node:module";
import protobuf from "protobufjs";

interface Vertex {
  digest: string;
  name: string;
  started?: unknown;
  completed?: unknown;
  cached: boolean;
  error: string;
}

interface Status {
  vertexes: Vertex[];
  logs: { vertex: string; msg: Uint8Array }[];
}

/** Characters of a step's output that are kept for an error message. */
const TAIL = 16_384;

const proto = createRequire(import.meta.url).resolve("dockerode/lib/proto/buildkit_status.proto");
const StatusResponse = protobuf.loadSync(proto).lookupType("moby.buildkit.v1.StatusResponse");

/** Reads BuildKit's status messages of a running build. */
export class BuildLog {
  private readonly begun = new Set<string>();
  private readonly outputs = new Map<string, string>();
  private failed?: string;

  /** @param scrub removes secrets from the output of steps. */
  constructor(
    private readonly log: (text: string) => void,
    private readonly scrub: (bytes: Buffer) => string,
  ) {}

  /** Reads one status message (base64): steps that started, and output. */
  add(base64: string): void {
    const { vertexes, logs } = StatusResponse.decode(Buffer.from(base64, "base64")) as unknown as Status;
    for (const vertex of vertexes) {
      if (vertex.error) this.failed = vertex.digest;
      if (!vertex.started || vertex.name.startsWith("[internal]") || this.begun.has(vertex.digest)) continue;
      this.begun.add(vertex.digest);
      this.log(`${vertex.name}${vertex.cached ? " (cached)" : ""}\n`);
    }
    for (const { vertex, msg } of logs) {
      const text = this.scrub(Buffer.from(msg));
      this.outputs.set(vertex, ((this.outputs.get(vertex) ?? "") + text).slice(-TAIL));
      this.log(text);
    }
  }

  /** The last output of the failed step. */
  get failedOutput(): string {
    return this.outputs.get(this.failed ?? "")?.trim() ?? "";
  }
}
