import { fstatSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { systemReason } from "../store/errors.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The exit code of a process that a signal ended, as shells report it. */
export function codeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** What ends a command before its own end: a signal, or a standard stream that takes nothing more. */
export class Ending {
  /** The exit code then; undefined while the command goes on. */
  code: number | undefined;
  private signalled = false;
  private finish: (line?: string) => Promise<unknown> = async (line) =>
    line && process.stderr.write(`${line}\n`);
  private interrupt?: () => void;

  constructor() {
    // A listener must stay after the first signal: without one, the next ends the process before it has cleaned up.
    for (const signal of signals) process.on(signal, () => this.onSignal(signal));
    process.stdout.on("error", (error) => this.onLostOutput(error));
    process.stderr.on("error", (error) => this.onLostProgress(error));
  }

  /** Sets what is done before the process exits; it gets the line to print, if there is one. */
  before(finish: (line?: string) => Promise<unknown>): void {
    this.finish = finish;
  }

  /** For a command that returns by itself after a signal, and that outlives its readers. */
  instead(interrupt: () => void): void {
    this.interrupt = interrupt;
  }

  private begin(code: number, line?: string): void {
    if (this.code !== undefined || this.interrupt) return;
    this.code = code;
    void this.finish(line).finally(() => process.exit(code));
  }

  /** The first signal ends the command in order, a second one at once. */
  private onSignal(signal: NodeJS.Signals): void {
    if (this.signalled) process.exit(codeOf(signal));
    this.signalled = true;
    this.interrupt?.();
    this.begin(codeOf(signal), `Error: interrupted by ${signal}`);
  }

  /** A reader that has gone, e.g. `head`, ends the command as it ends any program: quietly. */
  private onLostOutput(error: NodeJS.ErrnoException): void {
    if (error.code === "EPIPE") this.begin(codeOf("SIGPIPE"));
    else this.begin(1, `Error: cannot write to standard output: ${systemReason(error) ?? error.message}`);
  }

  /** Progress that cannot be written for another reason than a lost reader is no reason to fail. */
  private onLostProgress(error: NodeJS.ErrnoException): void {
    if (error.code === "EPIPE") this.begin(codeOf("SIGPIPE"));
  }

  /** Waits until everything written has arrived, or has failed. */
  async settle(): Promise<void> {
    for (const stream of [process.stdout, process.stderr])
      await new Promise<void>((resolve) => stream.write("", () => setImmediate(resolve)));
  }

  /** Writes a result; on a disk that is nearly full, Node would drop the rest of it without an error. */
  write(text: string): void {
    const bytes = Buffer.from(text);
    try {
      if (!fstatSync(1).isFile()) return void process.stdout.write(bytes);
      for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
    } catch (error) {
      this.onLostOutput(error as NodeJS.ErrnoException);
    }
  }
}
