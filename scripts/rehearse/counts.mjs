// What came of the requests, by phase and by kind.

const none = () => ({ sent: 0, failed: 0, maintenance: 0, reasons: {}, milliseconds: [] });

/** The counts of one phase. */
export class Phase {
  kinds = { page: none(), slow: none(), upload: none() };
  /** Milliseconds by which each page was sent too late: this process was kept waiting. */
  lateness = [];
  /** Pages that were not sent because too many were unanswered. */
  withheld = 0;
  /** Milliseconds: the longest time without an answer of the application, and from the first maintenance page to the last. */
  gap = 0;
  closedFor = 0;
  #answeredAt = performance.now();
  #closedAt;

  constructor(name) {
    this.name = name;
  }

  sent(kind) {
    this.kinds[kind].sent++;
  }

  /** @param outcome "ok", "maintenance" or what went wrong. */
  count(kind, outcome, milliseconds) {
    const now = performance.now();
    const count = this.kinds[kind];
    if (outcome === "ok") {
      count.milliseconds.push(milliseconds);
      this.gap = Math.max(this.gap, now - this.#answeredAt);
      this.#answeredAt = now;
    } else if (outcome === "maintenance") {
      count.maintenance++;
      this.#closedAt ??= now;
      this.closedFor = now - this.#closedAt;
    } else {
      count.failed++;
      count.reasons[outcome] = (count.reasons[outcome] ?? 0) + 1;
    }
  }
}

/** A line for each phase. The times are those of the pages: slow pages and uploads take as long as they are told to. */
export const reportPhases = (phases) =>
  phases.map(({ name, kinds, lateness, withheld, gap, closedFor }) => ({
    ...describe(name, sum(Object.values(kinds)), kinds.page.milliseconds),
    gap: Math.round(gap),
    closed: Math.round(closedFor),
    late: percentile(lateness, 0.99),
    withheld,
  }));

/** A line for each kind of request, of all phases. */
export const reportKinds = (phases) =>
  ["page", "slow", "upload"].map((kind) => describe(kind, sum(phases.map(({ kinds }) => kinds[kind]))));

function describe(name, { milliseconds, ...count }, times = milliseconds) {
  return { name, ...count, median: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
}

/** Adds up counts. */
function sum(counts) {
  const total = none();
  for (const count of counts) {
    for (const key of ["sent", "failed", "maintenance"]) total[key] += count[key];
    for (const [reason, times] of Object.entries(count.reasons))
      total.reasons[reason] = (total.reasons[reason] ?? 0) + times;
    total.milliseconds.push(...count.milliseconds);
  }
  return total;
}
