import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type Group, type Tier, tiers } from "./plan.ts";

export interface Failure {
  name: string;
  message: string;
}

export interface Result {
  tier: Tier;
  group: Group;
  seconds: number;
  passed: number;
  failures: Failure[];
  /** Tests that belong to other tiers. */
  others: Partial<Record<Tier, number>>;
  /** Tests that skipped themselves; each prints its reason. */
  skipped: number;
}

interface VitestTest {
  fullName: string;
  status: string;
  failureMessages: string[];
  tags?: string[];
}

/** A run as vitest's JSON reporter writes it. */
export interface VitestReport {
  testResults: { name: string; status: string; message: string; assertionResults: VitestTest[] }[];
}

/** Counts a tier's tests in vitest's report. */
export function countTests(
  { testResults }: VitestReport,
  tier: Tier,
): Pick<Result, "passed" | "failures" | "others" | "skipped"> {
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  const own = all.filter((test) => tierOf(test) === tier);
  const others = Object.keys(tiers)
    .map((name) => [name, all.filter((test) => tierOf(test) === name).length] as const)
    .filter(([name, count]) => name !== tier && count > 0);
  return {
    passed: own.filter(({ status }) => status === "passed").length,
    skipped: own.filter(({ status }) => ["skipped", "pending", "todo"].includes(status)).length,
    failures: testResults.flatMap(failuresOf),
    others: Object.fromEntries(others),
  };
}

function tierOf({ tags = [] }: VitestTest): Tier {
  if (tags.includes("release")) return "release";
  return tags.includes("slow") ? "slow" : "fast";
}

/** What failed in a file: its tests, or the file as a whole, as when it cannot be loaded. */
function failuresOf({
  name,
  status,
  message,
  assertionResults,
}: VitestReport["testResults"][number]): Failure[] {
  const file = relative(process.cwd(), name);
  const failures = assertionResults
    .filter((test) => test.status === "failed")
    .map((test) => ({ name: `${file}: ${test.fullName}`, message: test.failureMessages.join("\n") }));
  return failures.length === 0 && status === "failed"
    ? [{ name: file, message: message || "a hook of one of its suites failed" }]
    : failures;
}

/** A line for each group with what failed in it, a line for each tier, and the total as the last line. */
export function describeResults(results: readonly Result[], seconds: Partial<Record<Tier, number>>): string {
  const groups = results.flatMap((result) => [
    describeGroup(result),
    ...result.failures.map(describeFailure),
  ]);
  const perTier = Object.entries(seconds).map(([tier, total]) => {
    const { passed, failed } = sum(results.filter((result) => result.tier === tier));
    return `${tier} in all: ${passed} passed, ${failed} failed (${minutes(total)})`;
  });
  const { passed, failed } = sum(results);
  return [...groups, ...perTier, `${passed} passed, ${failed} failed`].join("\n");
}

export function sum(results: readonly Result[]): { passed: number; failed: number } {
  return {
    passed: results.reduce((total, result) => total + result.passed, 0),
    failed: results.reduce((total, result) => total + result.failures.length, 0),
  };
}

function describeGroup({ tier, group, passed, failures, seconds, skipped, others }: Result): string {
  const more = Object.entries(others).map(([name, count]) => `${count} more in ${name}`);
  if (skipped > 0) more.unshift(`${skipped} skipped, with the reason above`);
  const end = more.length > 0 ? `; ${more.join(", ")}` : "";
  return `${tier} ${group}: ${passed} passed, ${failures.length} failed (${minutes(seconds)})${end}`;
}

const minutes = (seconds: number): string => `${Math.floor(seconds / 60)} min ${seconds % 60} s`;

/** A failure as the summary shows it: its name and the first lines of its message. A CI server shows the end of a log. */
function describeFailure({ name, message }: Failure): string {
  const lines = stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => !line.includes("/node_modules/"))
    .slice(0, 30);
  return [`  ${name}`, ...lines.map((line) => `    ${line}`)].join("\n");
}
