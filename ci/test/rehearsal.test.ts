import { describe, expect, test } from "vitest";
import type { Load, PhaseCount } from "../src/rehearsal/load.ts";
import { overload, rateFor } from "../src/rehearsal/rate.ts";
import { runSteps } from "../src/rehearsal/rehearse.ts";
import { reasonOf, rehearsalTable, type Step, verdict } from "../src/rehearsal/results.ts";

const calm: PhaseCount = {
  name: "second deploy",
  sent: 10,
  failed: 0,
  maintenance: 0,
  reasons: {},
  median: 5,
  p99: 9,
  gap: 20,
  closed: 0,
  late: 3,
  withheld: 0,
};
const step: Step = { name: "second deploy", seconds: 2.25, outcome: "ok" };
const first: Step = { name: "first deploy", seconds: 1, outcome: "ok" };
const slow = { ...calm, name: "slow", sent: 4, median: 2004, p99: 2020 };

/** What a rehearsal with these counts of its second deploy ends with. */
function outcomeOf(count: Partial<PhaseCount>, more: Partial<Step> = {}): string {
  const phases = [{ ...calm, ...count }];
  try {
    return verdict({ steps: [first, { ...step, ...more }], phases, kinds: [], load: "" });
  } catch (error) {
    return (error as Error).message;
  }
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

describe("a rehearsal's table", () => {
  test("has a line for each step, the totals, and slow pages and uploads on lines of their own", () => {
    const phases = [
      { ...calm, failed: 1 },
      { ...calm, name: "third", sent: 20 },
    ];
    const steps = [first, step, { name: "third", seconds: 3, outcome: "refused" }];
    const kinds = [{ ...calm, name: "page" }, slow, { ...slow, name: "upload", median: 3005 }];
    const lines = rehearsalTable({ steps, phases, kinds, load: "50 pages per second" })
      .split("\n")
      .map((line) => line.trim().split(/\s{2,}/));
    expect(lines[1]).toEqual(["first deploy", "ok", "1.0", "-", "-", "-", "-", "-"]);
    expect(lines[2]).toEqual(["second deploy", "ok", "2.3", "10", "1", "0", "5", "9"]);
    expect(lines[4]).toEqual(["all", "30", "1", "0"]);
    expect(lines[5]).toEqual(["pages of 2 s", "4", "0", "0", "2004", "2020"]);
    expect(lines[6]).toEqual(["uploads over 3 s", "4", "0", "0", "3005", "2020"]);
    expect(lines.flat()).toContain("load: 50 pages per second");
  });

  test("tells how long a step that interrupts the site did so", () => {
    expect(outcomeOf({ maintenance: 7, closed: 2100 }, { interrupts: "maintenance" })).toContain(
      "second deploy: the maintenance page for 2.1 s",
    );
    const gap = { failed: 3, reasons: { ECONNREFUSED: 3 }, gap: 1234 };
    expect(outcomeOf(gap, { interrupts: "gap" })).toContain("second deploy: no answer for 1.2 s");
  });
});

describe("a rehearsal fails, and its last line has the cause,", () => {
  test("if a step did not end as it has to", () => {
    const reason = "FAILED: a follower is not healthy";
    expect(lastLine(outcomeOf({}, { outcome: "refused!", reason }))).toBe(`second deploy: ${reason}`);
  });

  test("if a request failed", () => {
    expect(lastLine(outcomeOf({ failed: 1, reasons: { "cut off": 1 } }))).toBe(
      'second deploy: requests failed: {"cut off":1}',
    );
  });

  test("if visitors saw the maintenance page of a step that must not show it", () => {
    expect(lastLine(outcomeOf({ maintenance: 2 }))).toBe(
      "second deploy: 2 answers were the maintenance page",
    );
    expect(
      lastLine(outcomeOf({ failed: 1, reasons: { ECONNRESET: 1 } }, { interrupts: "maintenance" })),
    ).toMatch(/requests failed/);
  });

  test.each<[string, Partial<PhaseCount>, RegExp]>([
    [
      "generator",
      { late: 1500, failed: 1, reasons: { "status 504": 1 } },
      /the load generator sent .* 1\.5 s late/,
    ],
    [
      "stack",
      { withheld: 900, sent: 1000, failed: 1, reasons: { "status 502": 1 } },
      /900 pages were not sent/,
    ],
    ["stack", { median: 2900, maintenance: 9 }, /half of the answers took longer than 2\.9 s/],
  ])("and tells an overloaded %s from a failed deploy", (_, count, cause) => {
    const line = lastLine(outcomeOf(count));
    expect(line).toMatch(/for overload, not for the deploy/);
    expect(line).toMatch(cause);
    expect(line).toMatch(/--rate/);
  });

  test("which is the deploy even on an overloaded machine if load alone does not explain it", () => {
    expect(outcomeOf({ median: 2900, failed: 1, reasons: { ECONNREFUSED: 1 } })).not.toMatch(/overload/);
  });

  test("in the words of the scripts on the machine", () => {
    const said = "run 1\n[ 5 s] health\nFAILED: worker is not healthy\nFAILED at step 'health'\n";
    expect(reasonOf(new Error(said))).toBe("FAILED: worker is not healthy");
    expect(reasonOf(new Error("no route to host\n"))).toBe("no route to host");
  });
});

describe("the steps of a rehearsal", () => {
  const load: Load = {
    measure: async () => 0,
    setRate: async () => undefined,
    beginPhase: async () => undefined,
    end: async () => undefined,
    phases: async () => [],
    kinds: async () => [],
  };

  test("end with a failed first deploy, whose reason is the last line", async () => {
    const ran: string[] = [];
    const fail = async () => {
      ran.push("first deploy");
      throw new Error("[ 5 s] health\nFAILED: worker is not healthy\nFAILED at step 'health'");
    };
    const run = async () => {
      ran.push("another");
      return "ok" as const;
    };
    const plans = [
      { name: "first deploy", run: fail },
      { name: "second deploy", run },
    ];
    const outcome = await runSteps(plans, load, 10).catch((error: Error) => error.message);
    expect(ran).toEqual(["first deploy"]);
    expect(lastLine(outcome)).toBe("first deploy: FAILED: worker is not healthy");
  });

  test("end with a release that is accepted and should not be", async () => {
    const accepted = async () => "ok" as const;
    const plans = [
      { name: "never healthy", run: accepted, ends: "refused" as const },
      { name: "restore", run: accepted },
    ];
    const outcome = await runSteps(plans, load, 10).catch((error: Error) => error.message);
    expect(lastLine(outcome)).toBe("never healthy: it succeeded, although it must be refused");
  });
});

test("the load is a share of what the stack serves, within limits", () => {
  expect([rateFor(0), rateFor(80), rateFor(10_000)]).toEqual([1, 20, 200]);
  expect(overload(calm)).toBeUndefined();
});
