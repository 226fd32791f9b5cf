import { describe, expect, test } from "vitest";
import { describeFindings, type Report, sortFindings } from "../src/pipeline/findings.js";

const match = (
  name: string,
  severity = "Critical",
  state = "fixed",
  path = "/opt/venv",
): Report["matches"][number] => ({
  vulnerability: { id: `CVE-${name}`, severity, fix: { state, versions: state === "fixed" ? ["2"] : [] } },
  artifact: { name, version: "1", purl: `pkg:pypi/${name}@1`, locations: [{ path }] },
});
const base = { artifacts: [match("old", "High", "fixed", "/usr").artifact] };
const sort = (...matches: Report["matches"]): ReturnType<typeof sortFindings> =>
  sortFindings({ matches }, base);

describe("findings of a scan", () => {
  test.each(["Critical", "High"])("%s with a fix is blocking if the application adds it", (severity) => {
    expect(sort(match("new", severity)).blocking).toEqual([
      `${severity.toLowerCase()}: new 1, CVE-new, fixed in 2`,
    ]);
  });

  test.each([
    ["Medium", "fixed"],
    ["Critical", "not-fixed"],
    ["Critical", "wont-fix"],
    ["Unknown", "fixed"],
  ])("%s, %s is not blocking", (severity, state) => {
    expect(sort(match("new", severity, state))).toEqual({ blocking: [], inBase: [], others: 1 });
  });

  test("a package that the base image has at the same path belongs to it", () => {
    const { blocking, inBase } = sort(match("old", "Critical", "fixed", "/usr"));
    expect([blocking, inBase.length]).toEqual([[], 1]);
  });

  test("the same package at another path belongs to the application", () => {
    expect(sort(match("old", "Critical", "fixed", "/opt/venv")).blocking).toHaveLength(1);
  });

  test("list the blocking ones first", () => {
    const text = describeFindings(
      sort(match("new"), match("old", "High", "fixed", "/usr"), match("x", "Low")),
    );
    expect(text.split("\n")).toEqual([
      "critical: new 1, CVE-new, fixed in 2",
      "1 fixable critical or high in what the application adds to its base image",
      "1 fixable critical or high in the base image, fixed by a newer one:",
      "  high: old 1, CVE-old, fixed in 2",
      "1 others: less severe, or not fixed yet",
      "",
    ]);
  });
});
