import type { StreamName } from "./output.ts";

/** Bytes of each stream that are kept, as in the official engine's errors. */
const KEPT = 100 * 1024;

/** The last output of a process that may print for days. */
export class OutputTail {
  private readonly tails = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), both: Buffer.alloc(0) };

  add(name: StreamName, bytes: Buffer): void {
    for (const key of [name, "both"] as const) {
      const all = Buffer.concat([this.tails[key], bytes]);
      this.tails[key] = all.subarray(Math.max(0, all.length - KEPT));
    }
  }

  of(name: StreamName): string {
    return this.tails[name].toString();
  }

  /** For an error message. */
  lastLines(): string {
    const lines = this.tails.both.toString().trimEnd().split("\n").slice(-12).join("\n");
    return lines === "" ? " (it printed nothing)" : `\nIts last lines:\n${lines}`;
  }
}
