import { ExecError } from "@dagger.io/dagger";
import type { Count, PhaseCount } from "./load.js";
import { isOfOverload, overload, remedy } from "./rate.js";

/** One step of a rehearsal. */
export interface Step {
  name: string;
  seconds: number;
  /** "ok" or "refused", with "!" when it is not the expected one. */
  outcome: string;
  /** Why an unexpected outcome came about, in one line. */
  reason?: string | undefined;
  /** Whether visitors may meet the maintenance page, or no answer, during the step. */
  interrupts?: Interruption | undefined;
}

/** What a step does to visitors, as announced. */
export type Interruption = "maintenance" | "gap";

export interface Results {
  steps: readonly Step[];
  phases: readonly PhaseCount[];
  /** By kind of request. */
  kinds: readonly Count[];
  /** A description of the load. */
  load: string;
}

/**
 * @returns a table of the steps.
 * @throws Error with the table when a request failed or a step had an unexpected outcome; its last line is the cause.
 */
export function verdict(results: Results): string {
  const table = rehearsalTable(results);
  const { steps, phases } = results;
  const problems = phases.flatMap((count) => {
    const problem = problemOf(
      count,
      steps.find(({ name }) => name === count.name),
    );
    return problem ? [`${count.name}: ${problem}`] : [];
  });
  const unexpected = steps
    .filter(({ outcome }) => outcome.endsWith("!"))
    .map(({ name, reason }) => `${name}: ${reason ?? "it did not end as expected"}`);
  const all = [...problems, ...unexpected];
  if (all.length > 0) throw new Error(`${table}\n${all.join("\n")}`);
  return table;
}

/** What went wrong for visitors during a step, or undefined. */
function problemOf(count: PhaseCount, step: Step | undefined): string | undefined {
  const { failed, maintenance, reasons } = count;
  const mayFail = step?.interrupts === "gap";
  const mayClose = mayFail || step?.interrupts === "maintenance";
  const found = [
    ...(failed > 0 && !mayFail ? [`requests failed: ${JSON.stringify(reasons)}`] : []),
    ...(maintenance > 0 && !mayClose ? [`${maintenance} answers were the maintenance page`] : []),
  ].join("; ");
  if (found === "") return undefined;
  const cause = isOfOverload(count) ? overload(count) : undefined;
  return cause ? `${found}, for overload, not for the deploy: ${cause}. ${remedy}` : found;
}

const head = ["step", "outcome", "seconds", "requests", "failed", "maintenance", "median ms", "p99 ms"];
const kindNames: Record<string, string> = { slow: "  pages of 2 s", upload: "  uploads over 3 s" };

/** A line for each step, the totals, and of these the requests that take as long as they are told to. */
export function rehearsalTable({ steps, phases, kinds, load }: Results): string {
  const sum = (key: "sent" | "failed" | "maintenance"): string =>
    String(phases.reduce((total, count) => total + count[key], 0));
  const totals = ["all", "", "", sum("sent"), sum("failed"), sum("maintenance"), "", ""];
  const slow = kinds.flatMap((count) => {
    const name = kindNames[count.name];
    return name ? [[name, "", "", ...figures(count)]] : [];
  });
  const table = align([head, ...steps.map((step) => cells(step, phases)), totals, ...slow]);
  const withheld = phases.reduce((total, count) => total + count.withheld, 0);
  const note = withheld > 0 ? `; ${withheld} were not sent, because too many were unanswered` : "";
  return `${[table, ...(load ? [`load: ${load}${note}`] : []), ...interruptions(steps, phases)].join("\n")}\n`;
}

function cells({ name, seconds, outcome }: Step, phases: readonly PhaseCount[]): string[] {
  const count = phases.find((each) => each.name === name);
  const rest = count ? figures(count) : Array(5).fill("-");
  return [name, outcome, seconds.toFixed(1), ...rest];
}

const figures = ({ sent, failed, maintenance, median, p99 }: Count): string[] =>
  [sent, failed, maintenance, median, p99].map(String);

/** A line for each step that interrupts the site, with how long it did. */
function interruptions(steps: readonly Step[], phases: readonly PhaseCount[]): string[] {
  return steps.flatMap(({ name, interrupts }) => {
    const count = phases.find((each) => each.name === name);
    if (!count || !interrupts) return [];
    const what =
      interrupts === "maintenance"
        ? `the maintenance page for ${(count.closed / 1000).toFixed(1)} s`
        : `no answer for ${(count.gap / 1000).toFixed(1)} s`;
    return [`${name}: ${what}`];
  });
}

function align(rows: readonly string[][]): string {
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  "));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** Why a call on the VM failed, in one line: the scripts begin that line with FAILED. */
export function reasonOf(error: unknown): string {
  const text =
    error instanceof ExecError
      ? `${error.stdout}\n${error.stderr}`
      : String((error as Error).message ?? error);
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const named = lines.filter((line) => line.startsWith("FAILED: "));
  return named.at(-1) ?? lines.at(-1) ?? "it failed without a message";
}
