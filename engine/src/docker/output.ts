import { StringDecoder } from "node:string_decoder";
import type Docker from "dockerode";

/** A process's output as it arrives, and as a whole at the end. */
export interface Capture {
  stdout: string;
  stderr: string;
  combined: string;
}

/** Replaces secrets in a stream of text, also where a value is split over two chunks. */
export class Scrubber {
  private held = "";
  private readonly values: string[];
  private readonly longest: number;

  constructor(secrets: readonly string[]) {
    this.values = [...new Set(secrets.flatMap((s) => [s, s.trim()]))]
      .filter((s) => s !== "")
      .sort((a, b) => b.length - a.length);
    this.longest = this.values[0]?.length ?? 0;
  }

  push(text: string): string {
    const all = this.replace(this.held + text);
    const keep = this.partialTail(all);
    this.held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }

  end(): string {
    const rest = this.held;
    this.held = "";
    return rest;
  }

  replace(text: string): string {
    return this.values.reduce((result, value) => result.replaceAll(value, "***"), text);
  }

  /** Length of the longest end of `text` that could be the start of a secret. */
  private partialTail(text: string): number {
    for (let length = Math.min(this.longest - 1, text.length); length > 0; length--) {
      const tail = text.slice(text.length - length);
      if (this.values.some((value) => value.startsWith(tail))) return length;
    }
    return 0;
  }
}

/** Follows an attached stream until it ends; `onText` gets the scrubbed output in order. */
export async function captureOutput(
  docker: Docker,
  stream: NodeJS.ReadableStream,
  secrets: readonly string[],
  onText: (text: string) => void,
): Promise<Capture> {
  const result = { stdout: "", stderr: "", combined: "" };
  const sinks = (["stdout", "stderr"] as const).map((name) => {
    const scrubber = new Scrubber(secrets);
    const decoder = new StringDecoder("utf8");
    const add = (text: string): void => {
      if (text === "") return;
      result[name] += text;
      result.combined += text;
      onText(text);
    };
    return {
      write: (chunk: Buffer): void => add(scrubber.push(decoder.write(chunk))),
      end: (): void => add(scrubber.push(decoder.end()) + scrubber.end()),
    };
  });
  // Plain objects instead of streams: a stream would pass its chunks on later, and lose the order between the two.
  docker.modem.demuxStream(stream, ...(sinks as unknown as [NodeJS.WritableStream, NodeJS.WritableStream]));
  await new Promise<void>((resolve) =>
    stream
      .on("end", resolve)
      .on("close", resolve)
      .on("error", () => resolve()),
  );
  for (const sink of sinks) sink.end();
  return result;
}
