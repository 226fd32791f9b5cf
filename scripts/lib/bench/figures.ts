/** A target: a ratio to the best peer, or an absolute value. */
export interface Goal {
  of: "ratio" | "value";
  atMost?: number;
  atLeast?: number;
}

/** One row of a table: the same task, measured for the project and its peers in the same run. */
export interface Case {
  name: string;
  unit: "s" | "ms" | "MB" | "requests/s" | "requests";
  ours: number[];
  peers: Record<string, number[]>;
  goal?: Goal;
  /** The explanation printed if the goal is missed. */
  why?: string;
}

export interface Figure {
  key: string;
  title: string;
  /** What is compared, in a sentence or two. */
  how: string;
  /** Measures the project and its peers alternately in each round. */
  run(rounds: Iterable<number>): Promise<Case[]>;
}

/** The rounds of a measurement, from 1. Prints the progress to standard error. */
export function* countRounds(key: string, count: number): Generator<number> {
  for (let round = 1; round <= count; round++) {
    console.error(`figure ${key}: round ${round} of ${count}, ${new Date().toISOString()}`);
    yield round;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error("no values to take the median of");
  return (low + high) / 2;
}

/** Whether a higher value is better. */
const more = (unit: Case["unit"]): boolean => unit.startsWith("requests");

/** The project's median divided by the best peer's. Undefined without a peer, or if the best peer's is 0. */
export function ratio({ unit, ours, peers }: Case): number | undefined {
  const all = Object.values(peers).map(median);
  if (all.length === 0) return undefined;
  const best = more(unit) ? Math.max(...all) : Math.min(...all);
  return best === 0 ? undefined : median(ours) / best;
}

/** Whether the goal is reached, or undefined without a goal. */
export function isMet(item: Case): boolean | undefined {
  if (!item.goal) return undefined;
  const { of, atMost = Number.POSITIVE_INFINITY, atLeast = 0 } = item.goal;
  const value = of === "ratio" ? ratio(item) : median(item.ours);
  return value !== undefined && value <= atMost && value >= atLeast;
}

/** Runs work and returns its duration in seconds. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
