import { expect, test } from "vitest";
import { asMarkdown, asText, describeFailure, type Result } from "../src/pipeline/summary.ts";

const start = Date.UTC(2026, 0, 2, 3, 4, 5);
const result = (name: string, seconds: number, output?: string): Result => ({
  name,
  passed: output === undefined,
  cached: "ran",
  output: output ?? "",
  started: start,
  ended: start + seconds * 1000,
});
const lines = (count: number, text: string): string =>
  Array.from({ length: count }, (_, n) => `${text} ${n}`).join("\n");

test("the table has a line for each part and one for all, with the time", () => {
  expect(asText([result("lint", 1.25), result("test", 61)])).toBe(
    "lint     ok        1.3 s  ran\ntest     ok       61.0 s  ran\nall      ok       61.0 s  2026-01-02T03:04:05Z\n",
  );
});

test("the first failure is in the last 20 lines, however long the output is", () => {
  const text = describeFailure([
    result("lint", 9, lines(500, "late")),
    result("test", 5, lines(500, "early")),
    result("build", 1),
  ]);
  expect(text.split("\n")[0]).toBe("lint, test failed");
  const end = text.split("\n").slice(-20).join("\n");
  expect(end).toContain("failed first: test:");
  expect(end.endsWith("early 499")).toBe(true);
  expect(end).not.toContain("late");
  expect(text).toContain("late 499");
  expect(text).toMatch(/^all +FAIL/m);
});

test("output that contains Markdown fences stays one code block", () => {
  const text = asMarkdown([result("test", 1, "a\n```\n# no heading\n````\nb")]);
  expect(text).toContain("## test\n\n`````\na\n```\n# no heading\n````\nb\n`````\n");
});
