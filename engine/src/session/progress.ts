import type { ProgressLog, Step } from "../docker/run.ts";

export type StepState = "running" | "done" | "cached" | "failed";

export interface StepEvent {
  id: number;
  name: string;
  state: StepState;
  /** Milliseconds since the step began. */
  elapsed: number;
  /** Whether its output is shown only on request (-v): a service's. */
  background: boolean;
}

/** Shows progress to the user. */
export interface ProgressView {
  step(event: StepEvent): void;
  output(event: StepEvent, line: string): void;
  note(line: string): void;
  /** Clears the view from the screen until the next event. */
  suspend(): void;
  /** Clears the view from the screen, before results are printed. */
  close(): void;
}

export const silentView: ProgressView = { step() {}, output() {}, note() {}, suspend() {}, close() {} };

/** Milliseconds after which the beginning of a line is shown, such as the dots of a test run. */
const LINE_PATIENCE = 1_000;

/** Lines longer than this many characters are shown in pieces. */
const LONGEST_LINE = 16_384;

function piecesOf(line: string): string[] {
  if (line.length <= LONGEST_LINE) return [line];
  return Array.from({ length: Math.ceil(line.length / LONGEST_LINE) }, (_, nth) =>
    line.slice(nth * LONGEST_LINE, (nth + 1) * LONGEST_LINE),
  );
}

/** Collects the events of a session and passes them to a view, with output in whole lines. */
export class Progress implements ProgressLog {
  private nextId = 1;
  private readonly said = new Set<string>();
  /** How many steps ran, were cache hits, or failed. */
  readonly counts = { ran: 0, cached: 0, failed: 0 };
  private readonly started = Date.now();

  /** What happened while something else has the screen. */
  private held: (() => void)[] | undefined;

  constructor(private view: ProgressView) {}

  note(line: string): void {
    this.show((view) => view.note(line));
  }

  /** Runs `use` while nothing is shown; what happened meanwhile is shown afterwards. */
  async aside<T>(use: () => Promise<T>): Promise<T> {
    this.view.suspend();
    this.held = [];
    try {
      return await use();
    } finally {
      const held = this.held;
      this.held = undefined;
      for (const event of held) event();
    }
  }

  private show(event: (view: ProgressView) => void): void {
    if (this.held) this.held.push(() => event(this.view));
    else event(this.view);
  }

  /**
   * Shows a one-line summary of the session, unless no step ran.
   * @param succeeded whether the session has: a step may fail as its pipeline expects.
   */
  summarise(succeeded: boolean): void {
    const { ran, cached, failed } = this.counts;
    const total = this.nextId - 1;
    const cancelled = total - ran - cached - failed;
    if (total === 0) return;
    const parts = [
      `${total} ${total === 1 ? "step" : "steps"} in ${((Date.now() - this.started) / 1000).toFixed(1)}s`,
      ...(cached > 0 ? [`${cached} cached`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ];
    this.note(`${succeeded ? "✔" : "✘"} ${parts.join(", ")}`);
  }

  private showStep(event: StepEvent): void {
    this.show((view) => view.step(event));
  }

  /** Ends the display: nothing is shown from now on. */
  end(): void {
    this.view.close();
    this.view = silentView;
  }

  /** Shows a line once per session. */
  once(line: string): void {
    if (this.said.has(line)) return;
    this.said.add(line);
    this.note(line);
  }

  async step<T>(name: string, run: (step: Step) => Promise<T>, background = false): Promise<T> {
    const started = Date.now();
    const id = this.nextId++;
    let state: StepState = "running";
    let rest = "";
    let timer: NodeJS.Timeout | undefined;
    const event = (): StepEvent => ({ id, name, state, elapsed: Date.now() - started, background });
    const step: Step = {
      cached: () => {
        state = "cached";
      },
      log: (text) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        const now = event();
        for (const line of lines.flatMap(piecesOf)) this.show((view) => view.output(now, line));
        clearTimeout(timer);
        if (rest.length > LONGEST_LINE) step.log("\n");
        else if (rest !== "") timer = setTimeout(() => step.log("\n"), LINE_PATIENCE).unref();
      },
      note: (line) => this.note(line),
    };
    this.showStep(event());
    try {
      const result = await run(step);
      // A service continues to log after it is ready.
      const finished = state as StepState;
      if (rest !== "") step.log("\n");
      state = finished === "cached" ? "cached" : "done";
      this.counts[state === "cached" ? "cached" : "ran"]++;
      return result;
    } catch (error) {
      if (rest !== "") step.log("\n");
      state = "failed";
      this.counts.failed++;
      throw error;
    } finally {
      this.showStep(event());
    }
  }
}
