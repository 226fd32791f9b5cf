import { stripVTControlCharacters } from "node:util";
import { createLogUpdate } from "log-update";
import { type ProgressView, type StepEvent, silentView } from "../session/progress.ts";
import type { Options } from "./options.ts";

const marks = { running: "▸", done: "✔", cached: "✔", failed: "✘" };

/** "cached", or how long a step took. */
function timing({ state, elapsed }: StepEvent): string {
  if (state === "cached") return "cached";
  return elapsed < 60_000
    ? `${(elapsed / 1000).toFixed(1)}s`
    : `${Math.floor(elapsed / 60_000)}m${Math.round((elapsed % 60_000) / 1000)}s`;
}

function line(event: StepEvent): string {
  const { state, name } = event;
  return state === "running" ? `${marks.running} ${name}` : `${marks[state]} ${name} [${timing(event)}]`;
}

/** One line per event, for logs and CI runners; each line of output starts with its step's number. */
export class PlainView implements ProgressView {
  constructor(
    private readonly out: NodeJS.WritableStream,
    private readonly detail: "steps" | "output" | "all",
  ) {}

  step(event: StepEvent): void {
    if (event.state === "running" && this.detail === "steps") return;
    this.out.write(`${event.id} ${line(event)}\n`);
  }

  output(event: StepEvent, text: string): void {
    if (this.detail === "all" || (this.detail === "output" && !event.background))
      this.out.write(`${event.id} | ${text}\n`);
  }

  note(text: string): void {
    this.out.write(`${text}\n`);
  }

  suspend(): void {}

  close(): void {}
}

/** Output without what would move the cursor: a progress bar's line is its last state. */
function plain(text: string): string {
  const shown = stripVTControlCharacters(text).split("\r").filter(Boolean).at(-1) ?? "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed.
  return shown.replaceAll("\t", "  ").replace(/[\u0000-\u001f\u007f]/g, "");
}

/** How many of a running step's last lines a terminal shows. */
const TAIL = 4;

/** Running steps at the bottom of a terminal; finished ones scroll up above them. */
export class TerminalView implements ProgressView {
  private readonly running = new Map<number, { event: StepEvent; since: number; tail: string[] }>();
  private readonly update;
  private readonly timer: NodeJS.Timeout;
  private closed = false;
  private suspended = false;

  constructor(
    private readonly out: NodeJS.WriteStream,
    private readonly verbose: boolean,
  ) {
    this.update = createLogUpdate(out);
    this.timer = setInterval(() => this.draw(), 100);
    this.timer.unref();
  }

  step(event: StepEvent): void {
    this.suspended = false;
    if (event.state === "running") {
      this.running.set(event.id, { event, since: Date.now() - event.elapsed, tail: [] });
      return;
    }
    this.running.delete(event.id);
    this.above(line(event));
  }

  output(event: StepEvent, text: string): void {
    const step = this.running.get(event.id);
    if (this.verbose && step) this.above(`  | ${plain(text)}`);
    else if (step) step.tail = [...step.tail, plain(text)].slice(-TAIL);
  }

  note(text: string): void {
    this.above(text);
  }

  suspend(): void {
    this.suspended = true;
    if (this.closed) return;
    this.update.clear();
    // Shows the cursor again.
    this.update.done();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    this.update.clear();
    this.update.done();
  }

  private above(text: string): void {
    this.suspended = false;
    if (!this.closed) this.update.clear();
    this.out.write(`${text}\n`);
    this.draw();
  }

  private draw(): void {
    if (this.closed || this.suspended) return;
    const lines = [...this.running.values()].flatMap(({ event, since, tail }) => [
      `${marks.running} ${event.name} ${((Date.now() - since) / 1000).toFixed(1)}s`,
      ...tail.map((text) => `  | ${text}`),
    ]);
    const height = Math.max(4, (this.out.rows ?? 24) - 2);
    // A line that wraps would take the place of others.
    const width = Math.max(1, (this.out.columns ?? 80) - 1);
    this.update(
      lines
        .slice(-height)
        .map((text) => text.slice(0, width))
        .join("\n"),
    );
  }
}

/** Chooses the view by the options and the terminal. */
export function chooseView(
  { progress, quiet, silent, verbose }: Options,
  out: NodeJS.WriteStream,
): ProgressView {
  if (silent || quiet > 1) return silentView;
  const { CI, TERM } = process.env;
  const isWanted = progress === "tty" || (progress === "auto" && out.isTTY && !CI && TERM !== "dumb");
  // Lines cannot be redrawn on a terminal that does not know its size.
  if (isWanted && out.columns !== 0 && quiet === 0) return new TerminalView(out, verbose > 0);
  if (verbose > 0) return new PlainView(out, "all");
  return new PlainView(out, quiet > 0 || progress === "report" || progress === "dots" ? "steps" : "output");
}
