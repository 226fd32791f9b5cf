import type { Count } from "./load.js";

/** One step of a rehearsal. */
export interface Step {
  name: string;
  seconds: number;
  /** "ok" or "refused", with "!" when it is not the expected one. */
  outcome: string;
}

/** Steps during which visitors see the maintenance page, as intended. */
const withMaintenance = ["restore"];

/**
 * @returns a table of the steps.
 * @throws Error with the table when a request failed or a step had an unexpected outcome.
 */
export function verdict(steps: readonly Step[], counts: readonly Count[]): string {
  const table = rehearsalTable(steps, counts);
  const failures = counts
    .filter(({ failed }) => failed > 0)
    .map(({ name, reasons }) => `${name}: ${JSON.stringify(reasons)}`);
  const unexpected = steps
    .filter(({ outcome }) => outcome.endsWith("!"))
    .map(({ name }) => `${name} did not end as expected`);
  const closed = counts
    .filter(({ name, maintenance }) => maintenance > 0 && !withMaintenance.includes(name))
    .map(({ name }) => `${name} showed the maintenance page`);
  const problems = [...failures, ...unexpected, ...closed];
  if (problems.length > 0) throw new Error(`${table}\n${problems.join("\n")}`);
  return table;
}

const head = ["step", "outcome", "seconds", "requests", "failed", "maintenance", "median ms", "p99 ms"];

/** A line for each step, and the totals. */
export function rehearsalTable(steps: readonly Step[], counts: readonly Count[]): string {
  const sum = (key: "sent" | "failed" | "maintenance"): string =>
    String(counts.reduce((total, count) => total + count[key], 0));
  const totals = ["all", "", "", sum("sent"), sum("failed"), sum("maintenance"), "", ""];
  return align([head, ...steps.map((step) => cells(step, counts)), totals]);
}

function cells({ name, seconds, outcome }: Step, counts: readonly Count[]): string[] {
  const count = counts.find((each) => each.name === name);
  const figures = count
    ? [count.sent, count.failed, count.maintenance, count.median, count.p99]
    : Array(5).fill("-");
  return [name, outcome, seconds.toFixed(1), ...figures].map(String);
}

function align(rows: readonly string[][]): string {
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  "));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}
