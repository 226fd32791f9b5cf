import { StringDecoder } from "node:string_decoder";

/**
 * Masks secrets in a stream of bytes, also when a value is split over two chunks. Output need not be text, so it is
 * matched byte by byte (as Latin-1); other bytes pass unchanged.
 */
export class Scrubber {
  private held = "";
  private readonly values: string[];
  private readonly pattern: RegExp | undefined;

  constructor(secrets: readonly string[]) {
    const all = secrets.flatMap((secret) => [secret, secret.trim()]).filter((secret) => secret.trim() !== "");
    this.values = [...new Set(all)]
      .map((value) => Buffer.from(value, "utf8").toString("latin1"))
      .sort((a, b) => b.length - a.length);
    const escaped = this.values.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
    this.pattern = escaped.length > 0 ? new RegExp(escaped.join("|"), "g") : undefined;
  }

  push(chunk: Buffer): Buffer {
    return this.pattern ? this.take(this.held + chunk.toString("latin1"), false) : chunk;
  }

  /** Returns the bytes held back as the possible start of a secret. */
  end(): Buffer {
    return this.take(this.held, true);
  }

  private take(text: string, isLast: boolean): Buffer {
    const limit = isLast ? text.length : this.undecided(text);
    let result = "";
    let at = 0;
    for (const match of text.matchAll(this.pattern ?? /$^/g)) {
      if (match.index >= limit) break;
      result += `${text.slice(at, match.index)}***`;
      at = match.index + match[0].length;
    }
    const end = Math.max(at, limit);
    this.held = text.slice(end);
    return Buffer.from(result + text.slice(at, end), "latin1");
  }

  /** Index of the longest suffix of `text` that could still become a secret, or a longer one. */
  private undecided(text: string): number {
    const longest = this.values[0]?.length ?? 0;
    for (let at = Math.max(0, text.length - longest + 1); at < text.length; at++) {
      const tail = text.slice(at);
      if (this.values.some((value) => value.length > tail.length && value.startsWith(tail))) return at;
    }
    return text.length;
  }
}

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
  secrets: readonly string[],
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
