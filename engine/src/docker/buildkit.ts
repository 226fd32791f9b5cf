import { createRequire } from "node:module";
import protobuf from "protobufjs";

interface Status {
  vertexes: { digest: string; name: string; started?: unknown; completed?: unknown; cached: boolean }[];
  logs: { msg: Uint8Array }[];
}

const proto = createRequire(import.meta.url).resolve("dockerode/lib/proto/buildkit_status.proto");
const StatusResponse = protobuf.loadSync(proto).lookupType("moby.buildkit.v1.StatusResponse");

/** Text of one status message of BuildKit (base64): the names of steps that began, and what they printed. */
export function decodeStatus(base64: string): string {
  const { vertexes, logs } = StatusResponse.decode(Buffer.from(base64, "base64")) as unknown as Status;
  const lines = vertexes
    .filter(
      (vertex) =>
        vertex.started && (!vertex.completed || vertex.cached) && !vertex.name.startsWith("[internal]"),
    )
    .map((vertex) => `${vertex.name}${vertex.cached ? " (cached)" : ""}\n`);
  return lines.join("") + logs.map(({ msg }) => Buffer.from(msg).toString()).join("");
}
