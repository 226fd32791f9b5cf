/** Result of one part of the pipeline. */
export interface Result {
  name: string;
  passed: boolean;
  /** "ran", "cached", or how many of its steps were cached. */
  cached: string;
  output: string;
  /** Milliseconds since 1970. */
  started: number;
  ended: number;
}

/** Lines of the first failure: with its headline and the message of the command line they fit into the last 20 lines. */
const CAUSE_LINES = 17;
/** Lines of every other failure. */
const OTHER_LINES = 100;

/** Name, result, duration and whether it ran. The time of the run shows whether the table itself comes from the cache. */
function rows(results: readonly Result[]): string[][] {
  const started = Math.min(...results.map((result) => result.started));
  const ended = Math.max(...results.map((result) => result.ended));
  const passed = results.every((result) => result.passed);
  return [
    ...results.map((result) => [
      result.name,
      verdict(result.passed),
      seconds(result.ended - result.started),
      result.cached,
    ]),
    ["all", verdict(passed), seconds(ended - started), `${new Date(started).toISOString().slice(0, 19)}Z`],
  ];
}

const verdict = (passed: boolean): string => (passed ? "ok" : "FAIL");
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** The table for terminals. */
export function asText(results: readonly Result[]): string {
  const lines = rows(results).map(([name = "", result = "", duration = "", cached = ""]) =>
    [name.padEnd(8), result.padEnd(6), duration.padStart(8), ` ${cached}`].join(" "),
  );
  return `${lines.join("\n")}\n`;
}

/** The table in Markdown, followed by the failures. */
export function asMarkdown(results: readonly Result[]): string {
  const table = rows(results).map((cells) => `| ${cells.join(" | ")} |`);
  const failures = failuresOf(results).map(({ name, output }) => `\n## ${name}\n\n${fence(output)}\n`);
  return `| | Result | Duration | |\n| --- | --- | ---: | --- |\n${table.join("\n")}\n${failures.join("")}`;
}

/** A code block whose fence is longer than any in the text. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const mark = "`".repeat(longest + 1);
  return `${mark}\n${lastLines(text, OTHER_LINES)}\n${mark}`;
}

/** The failed parts in one line, their output except that of the first, the table, and last the output of the first. */
export function describeFailure(results: readonly Result[]): string {
  const [first, ...others] = failuresOf(results);
  const outputOf = ({ name, output }: Result, count: number): string =>
    `${name}:\n${lastLines(output, count)}\n`;
  const names = results.filter(({ passed }) => !passed).map(({ name }) => name);
  return [
    `${names.join(", ")} failed\n`,
    ...others.reverse().map((result) => outputOf(result, OTHER_LINES)),
    asText(results),
    `failed first: ${first && outputOf(first, CAUSE_LINES)}`,
  ]
    .join("\n")
    .trimEnd();
}

/** Failed parts, in the order in which they failed. */
function failuresOf(results: readonly Result[]): Result[] {
  return results.filter(({ passed }) => !passed).sort((a, b) => a.ended - b.ended);
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
