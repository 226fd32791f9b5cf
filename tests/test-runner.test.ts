import { describe, expect, it } from "vitest";
import { groups, parsePlans } from "../scripts/lib/test/plan.ts";
import { countTests, describeResults, type Result, type VitestReport } from "../scripts/lib/test/report.ts";
import config from "../vitest.config.ts";

describe("scripts/test", () => {
  it("without a word runs every group of the fast tier once", () => {
    const plans = parsePlans([]);
    expect(plans.map(({ tier }) => tier)).toEqual(["fast"]);
    expect(plans.flatMap((plan) => plan.groups).sort()).toEqual([...groups].sort());
  });

  it("takes tiers and groups in any order", () => {
    expect(parsePlans(["vm", "slow", "module"])).toEqual([{ tier: "slow", groups: ["module", "vm"] }]);
    expect(parsePlans(["fast", "slow"]).map(({ tier }) => tier)).toEqual(["fast", "slow"]);
  });

  it("refuses an unknown word with the words that there are", () => {
    expect(() => parsePlans(["modul"])).toThrow(
      /no group or tier 'modul'; did you mean module\?; .*fast, slow, release/,
    );
  });

  it("has a group for every project of vitest's configuration, and the application's own tests", () => {
    const projects = (config.test?.projects ?? []) as { test: { name: string } }[];
    expect([...projects.map(({ test }) => test.name), "app"].sort()).toEqual([...groups].sort());
  });
});

const test = (fullName: string, status: string, ...tags: string[]) => ({
  fullName,
  status,
  tags,
  failureMessages: status === "failed" ? ["Error: expected 1\n  at /x/node_modules/y"] : [],
});
const report = (...assertionResults: ReturnType<typeof test>[]): VitestReport => ({
  testResults: [{ name: `${process.cwd()}/a.test.ts`, status: "passed", message: "", assertionResults }],
});

describe("a report", () => {
  it("counts the tests of its tier, and says how many are in others", () => {
    const counts = countTests(
      report(
        test("quick", "passed"),
        test("missing tool", "skipped"),
        test("long", "skipped", "slow"),
        test("longer", "skipped", "slow", "release"),
      ),
      "fast",
    );
    expect(counts).toEqual({ passed: 1, skipped: 1, failures: [], others: { slow: 1, release: 1 } });
  });

  it("counts a file that could not be loaded as a failure", () => {
    const broken = {
      name: `${process.cwd()}/b.test.ts`,
      status: "failed",
      message: "",
      assertionResults: [],
    };
    expect(countTests({ testResults: [broken] }, "fast").failures).toEqual([
      { name: "b.test.ts", message: "a hook of one of its suites failed" },
    ]);
  });

  it("ends with the total alone on its line, after what failed", () => {
    const counts = countTests(report(test("good", "passed"), test("bad", "failed")), "fast");
    const result: Result = { tier: "fast", group: "pure", seconds: 61, ...counts };
    expect(describeResults([result], { fast: 62 }).split("\n")).toEqual([
      "fast pure: 1 passed, 1 failed (1 min 1 s)",
      "  a.test.ts: bad",
      "    Error: expected 1",
      "fast in all: 1 passed, 1 failed (1 min 2 s)",
      "1 passed, 1 failed",
    ]);
  });
});
