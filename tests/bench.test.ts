import { describe, expect, test } from "vitest";
import { type Case, isMet, median, ratio } from "../scripts/lib/bench/figures.ts";
import { replaceSection, section } from "../scripts/lib/bench/report.ts";

const item = (over: Partial<Case>): Case => ({ name: "x", unit: "s", ours: [1], peers: {}, ...over });

test.each([
  [[3], 3],
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
])("the median of %j is %d", (values, expected) => {
  expect(median(values)).toBe(expected);
});

describe("a ratio", () => {
  test("is to the faster of the peers", () => {
    expect(ratio(item({ ours: [3], peers: { slow: [10], fast: [4] } }))).toBe(0.75);
  });

  test("is to the one that serves most, where more is better", () => {
    expect(ratio(item({ unit: "requests/s", ours: [90], peers: { few: [10], many: [100] } }))).toBe(0.9);
  });

  test("is none without a peer, or to one that has nothing", () => {
    expect(ratio(item({}))).toBeUndefined();
    expect(ratio(item({ ours: [0], peers: { other: [0] } }))).toBeUndefined();
  });
});

test.each([
  [{ of: "ratio", atMost: 1.1 }, true],
  [{ of: "ratio", atMost: 0.4 }, false],
  [{ of: "ratio", atLeast: 0.9 }, false],
  [{ of: "value", atMost: 1 }, true],
] as const)("the goal %j is reached: %s", (goal, expected) => {
  expect(isMet(item({ goal, peers: { other: [2] } }))).toBe(expected);
});

test("a goal that is missed is said to be, with the reason", () => {
  const cases = [item({ goal: { of: "value", atMost: 0.5 }, why: "it is slow." })];
  const text = section({ key: "b", title: "T", how: "H", run: async () => cases }, cases, 5, "a machine");
  expect(text).toMatch(/\| not reached \|/);
  expect(text).toContain("Not reached, x: it is slow.");
  expect(text).toContain("Medians of 5, a machine.");
});

test("a section is put in the order of the keys, and replaced where it stands", () => {
  const part = (key: string, text: string): string =>
    `<!-- figure ${key} -->\n${text}\n<!-- end of figure ${key} -->`;
  let text = "# Head\n";
  for (const key of ["c", "a", "b"]) text = replaceSection(text, key, part(key, `${key} 1`));
  text = replaceSection(text, "b", part("b", "b 2"));
  expect([...text.matchAll(/^\w \d$/gm)].map(([line]) => line)).toEqual(["a 1", "b 2", "c 1"]);
  expect(text.startsWith("# Head\n")).toBe(true);
});
