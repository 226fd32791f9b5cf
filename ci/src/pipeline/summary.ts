/** What one part of the pipeline came to. */
export interface Result {
  name: string;
  passed: boolean;
  /** "ran", "cached" when its result was there from before, or how much of it was. */
  kept: string;
  output: string;
  /** Milliseconds since 1970. */
  started: number;
  ended: number;
}

/** So that what failed first is whole in the last 20 lines, its headline and the command line's own words included. */
const CAUSE_LINES = 17;
/** Of everything else that failed. */
const OTHER_LINES = 100;

/** Name, result, duration and whether it ran, with the time of the run: a table that is shown again later says so itself. */
function rows(results: readonly Result[]): string[][] {
  const started = Math.min(...results.map((result) => result.started));
  const ended = Math.max(...results.map((result) => result.ended));
  const passed = results.every((result) => result.passed);
  return [
    ...results.map((result) => [
      result.name,
      verdict(result.passed),
      seconds(result.ended - result.started),
      result.kept,
    ]),
    ["all", verdict(passed), seconds(ended - started), `${new Date(started).toISOString().slice(0, 19)}Z`],
  ];
}

const verdict = (passed: boolean): string => (passed ? "ok" : "FAIL");
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** A table for terminals. */
export function asText(results: readonly Result[]): string {
  const lines = rows(results).map(([name = "", result = "", duration = "", kept = ""]) =>
    [name.padEnd(8), result.padEnd(6), duration.padStart(8), ` ${kept}`].join(" "),
  );
  return `${lines.join("\n")}\n`;
}

/** A table for pages, and what failed below it. */
export function asMarkdown(results: readonly Result[]): string {
  const table = rows(results).map((cells) => `| ${cells.join(" | ")} |`);
  const failures = inOrder(results).map(({ name, output }) => `\n## ${name}\n\n${fence(output)}\n`);
  return `| | Result | Duration | |\n| --- | --- | ---: | --- |\n${table.join("\n")}\n${failures.join("")}`;
}

/** Text as it is, whatever marks are in it. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const mark = "`".repeat(longest + 1);
  return `${mark}\n${lastLines(text, OTHER_LINES)}\n${mark}`;
}

/** What failed, in a line; what all but the first said, the table, and last what the first said. */
export function describeFailure(results: readonly Result[]): string {
  const [first, ...others] = inOrder(results);
  const said = ({ name, output }: Result, count: number): string => `${name}:\n${lastLines(output, count)}\n`;
  const names = results.filter(({ passed }) => !passed).map(({ name }) => name);
  return [
    `${names.join(", ")} failed\n`,
    ...others.reverse().map((result) => said(result, OTHER_LINES)),
    asText(results),
    `failed first: ${first && said(first, CAUSE_LINES)}`,
  ]
    .join("\n")
    .trimEnd();
}

/** What failed, in the order in which it did. */
function inOrder(results: readonly Result[]): Result[] {
  return results.filter(({ passed }) => !passed).sort((a, b) => a.ended - b.ended);
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
