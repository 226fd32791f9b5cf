import type { Duplex } from "node:stream";
import { UserError } from "../core/errors.ts";
import type { Screen, UserTerminal } from "../docker/run.ts";
import type { Progress } from "./progress.ts";

/** The terminal that this process was started at: one program at a time uses it, and no progress is shown meanwhile. */
export class ProcessTerminal implements UserTerminal {
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly progress: Progress) {}

  require(): void {
    if (!process.stdin.isTTY || !process.stdout.isTTY)
      throw new UserError(
        "terminal: there is no terminal to open it at: standard input and output of `dagger call` have to be one",
      );
  }

  use<T>(run: (screen: Screen) => Promise<T>): Promise<T> {
    const next = this.turn.catch(() => undefined).then(() => this.progress.aside(() => withScreen(run)));
    this.turn = next;
    return next;
  }
}

async function withScreen<T>(run: (screen: Screen) => Promise<T>): Promise<T> {
  const { stdin, stdout } = process;
  let connected: Duplex | undefined;
  let resized: (() => void) | undefined;
  stdin.setRawMode(true);
  try {
    return await run({
      connect(stream) {
        connected = stream;
        stream.pipe(stdout, { end: false });
        stdin.pipe(stream);
      },
      onSize(resize) {
        resized = () => resize({ h: stdout.rows, w: stdout.columns });
        resized();
        stdout.on("resize", resized);
      },
    });
  } finally {
    if (resized) stdout.off("resize", resized);
    if (connected) stdin.unpipe(connected);
    connected?.unpipe(stdout);
    stdin.setRawMode(false);
    stdin.pause();
  }
}
