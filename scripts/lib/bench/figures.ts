/** What is to be reached: a ratio to the best peer, or a value of our own. */
export interface Goal {
  of: "ratio" | "value";
  atMost?: number;
  atLeast?: number;
}

/** One line of a table: the same thing done by the project and by its peers, all in the same run. */
export interface Case {
  name: string;
  unit: "s" | "ms" | "MB" | "requests/s" | "requests";
  ours: number[];
  peers: Record<string, number[]>;
  goal?: Goal;
  /** Said where the goal is missed. */
  why?: string;
}

export interface Figure {
  key: string;
  title: string;
  /** What is compared with what, in a sentence or two. */
  how: string;
  /** Measures everything in each round, the project and its peers by turns. */
  run(rounds: Iterable<number>): Promise<Case[]>;
}

/** The rounds of a measurement, from 1; tells on standard error where it is. */
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

/** How many of a unit are worth showing. */
const more = (unit: Case["unit"]): boolean => unit.startsWith("requests");

/** Ours to the best of the peers: the least, or for requests the most. Undefined without a peer, or where that has 0. */
export function ratio({ unit, ours, peers }: Case): number | undefined {
  const all = Object.values(peers).map(median);
  if (all.length === 0) return undefined;
  const best = more(unit) ? Math.max(...all) : Math.min(...all);
  return best === 0 ? undefined : median(ours) / best;
}

/** Whether the goal is reached; undefined without one. */
export function isMet(item: Case): boolean | undefined {
  if (!item.goal) return undefined;
  const { of, atMost = Number.POSITIVE_INFINITY, atLeast = 0 } = item.goal;
  const value = of === "ratio" ? ratio(item) : median(item.ours);
  return value !== undefined && value <= atMost && value >= atLeast;
}

/** Runs and returns how long it took, in seconds. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
