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
  /** Clears the view from the screen, before results are printed. */
  close(): void;
}

export const silentView: ProgressView = { step() {}, output() {}, note() {}, close() {} };

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

  constructor(private view: ProgressView) {}

  note(line: string): void {
    this.view.note(line);
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
    this.view.note(`${succeeded ? "✔" : "✘"} ${parts.join(", ")}`);
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
    this.view.note(line);
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
        for (const line of lines.flatMap(piecesOf)) this.view.output(event(), line);
        clearTimeout(timer);
        if (rest.length > LONGEST_LINE) step.log("\n");
        else if (rest !== "") timer = setTimeout(() => step.log("\n"), LINE_PATIENCE).unref();
      },
      note: (line) => this.view.note(line),
    };
    this.view.step(event());
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
      this.view.step(event());
    }
  }
}
