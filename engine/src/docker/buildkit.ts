import { createRequire } from "node:module";
import protobuf from "protobufjs";
import { Scrubber } from "./scrubber.ts";

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
  /** One for each step: its output arrives in pieces, which may split a secret. */
  private readonly scrubbers = new Map<string, Scrubber>();
  private failed?: string;

  /** @param secrets are masked in the output of steps. */
  constructor(
    private readonly log: (text: string) => void,
    private readonly secrets: readonly (Buffer | string)[],
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
      const scrubber = this.scrubbers.get(vertex) ?? new Scrubber(this.secrets);
      this.scrubbers.set(vertex, scrubber);
      this.show(vertex, scrubber.push(Buffer.from(msg)));
    }
    for (const { digest, completed } of vertexes) if (completed) this.release(digest);
  }

  private show(vertex: string, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const text = bytes.toString();
    this.outputs.set(vertex, ((this.outputs.get(vertex) ?? "") + text).slice(-TAIL));
    this.log(text);
  }

  /** Shows what was held back of a step's output as the possible start of a secret. */
  private release(vertex: string): void {
    const scrubber = this.scrubbers.get(vertex);
    this.scrubbers.delete(vertex);
    if (scrubber) this.show(vertex, scrubber.end());
  }

  /** The last output of the failed step. */
  get failedOutput(): string {
    for (const vertex of this.scrubbers.keys()) this.release(vertex);
    return this.outputs.get(this.failed ?? "")?.trim() ?? "";
  }
}
