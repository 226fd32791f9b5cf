import { StringDecoder } from "node:string_decoder";
import { Scrubber } from "./scrubber.ts";

export type StreamName = "stdout" | "stderr";

/** Receives output as it arrives, in order, without secrets. */
export type OutputSink = (name: StreamName, bytes: Buffer) => void;

const HEADER = 8;
const STDERR = 2;

/**
 * Parses Docker's frames (stream number, length, bytes). The client's own parser recurses once per frame and copies the
 * rest each time: it fails on a process that writes byte by byte.
 */
class Demultiplexer {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly outlets: Record<StreamName, (bytes: Buffer) => void>) {}

  push(chunk: Buffer): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const end = at + HEADER + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      this.outlets[bytes[at] === STDERR ? "stderr" : "stdout"](bytes.subarray(at + HEADER, end));
      at = end;
    }
    this.rest = bytes.subarray(at);
  }
}

/** Follows an attached stream until it ends. */
export async function followOutput(
  stream: NodeJS.ReadableStream,
  secrets: readonly (Buffer | string)[],
  sink: OutputSink,
): Promise<void> {
  const scrubbers = { stdout: new Scrubber(secrets), stderr: new Scrubber(secrets) };
  const pass = (name: StreamName, bytes: Buffer): void => {
    if (bytes.length > 0) sink(name, bytes);
  };
  const demultiplexer = new Demultiplexer({
    stdout: (bytes) => pass("stdout", scrubbers.stdout.push(bytes)),
    stderr: (bytes) => pass("stderr", scrubbers.stderr.push(bytes)),
  });
  stream.on("data", (chunk: Buffer) => demultiplexer.push(chunk));
  await new Promise<void>((resolve) =>
    stream
      .on("end", resolve)
      .on("close", resolve)
      .on("error", () => resolve()),
  );
  pass("stdout", scrubbers.stdout.end());
  pass("stderr", scrubbers.stderr.end());
}

/** A sink for text that never splits a multi-byte character. */
export function textSink(onText: (text: string) => void): OutputSink {
  const decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
  return (name, bytes) => {
    const text = decoders[name].write(bytes);
    if (text !== "") onText(text);
  };
}
