import type { Load, PhaseCount } from "./load.js";

/** Name of the phase in which nothing is deployed. */
export const quiet = "load alone";

/** A deploy takes a large part of the machine for itself: the load is this share of what the stack serves without one. */
const SHARE = 0.25;
const MOST = 200; // pages per second
const QUIET = 8000; // milliseconds
/** From here on, times say that requests wait for a processor: milliseconds. */
const SLOW = 1000;
/** And this share of pages that were not sent. */
const WITHHELD = 0.05;

/** @returns pages per second for a stack that serves so many at most. */
export function rateFor(capacity: number): number {
  return Math.max(1, Math.min(MOST, Math.floor(capacity * SHARE)));
}

/**
 * Loads the stack while nothing is deployed.
 * @param asked pages per second, or undefined to measure what the stack can serve.
 * @returns a description of the load.
 * @throws Error, one line, if generator or stack cannot keep up already now.
 */
export async function startLoad(load: Load, asked: number | undefined): Promise<string> {
  const capacity = asked === undefined ? await load.measure() : 0;
  const rate = asked ?? rateFor(capacity);
  await load.setRate(rate);
  await load.beginPhase(quiet);
  await new Promise((wake) => setTimeout(wake, QUIET));
  const count = (await load.phases()).find(({ name }) => name === quiet);
  const reason = count && (overload(count) ?? troubleOf(count));
  if (reason)
    throw new Error(
      `a load of ${rate} pages per second is too much for this machine even while nothing is deployed: ${reason}. ${remedy}`,
    );
  const share = asked === undefined ? `; without other work the stack serves ${Math.floor(capacity)}` : "";
  return `${rate} pages per second${share}`;
}

/** Completes a message about an overload. */
export const remedy = "Give a lower --rate, or rehearse when the machine has less to do";

/** What shows that the machine could not keep up with the load, or undefined. */
export function overload({ late, median, sent, withheld }: PhaseCount): string | undefined {
  if (late > SLOW) return `the load generator sent its requests up to ${seconds(late)} late`;
  if (withheld > WITHHELD * sent) return `${withheld} pages were not sent, because too many were unanswered`;
  if (median > SLOW) return `half of the answers took longer than ${seconds(median)}`;
  return undefined;
}

/** Whether the requests of a phase failed only in a way that an overload explains: other faults are those of the deploy. */
export function isOfOverload({ reasons }: PhaseCount): boolean {
  return Object.keys(reasons).every((reason) => /^(status 50[234]|no answer in .*)$/.test(reason));
}

function troubleOf({ failed, maintenance, reasons }: PhaseCount): string | undefined {
  if (failed > 0) return `requests failed: ${JSON.stringify(reasons)}`;
  return maintenance > 0 ? `${maintenance} answers were the maintenance page` : undefined;
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
