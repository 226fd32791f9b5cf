/** @module-tag slow */

import { describe, expect, inject, test } from "vitest";
import { dagger, leftovers } from "./support.ts";

describe("rehearse", () => {
  test("deploys, changes the configuration, rolls back and restores under load without a failed request in ten thousand", async () => {
    const run = await dagger(inject("sharedCache"), "call", "rehearse");
    console.log(run.stdout);
    expect(run.exitCode, run.end).toBe(0);
    // The refused release is expected: no step has failed.
    expect(run.stderr.trimEnd().split("\n").at(-1)).toMatch(/^✔ \d+ steps in [\d.]+s(, \d+ cached)?$/);
    const row = (name: string): string[] =>
      run.stdout
        .split("\n")
        .find((line) => line.startsWith(name))
        ?.split(/\s{2,}/) ?? [];
    // step, outcome, seconds, requests, failed, maintenance, median, p99
    for (const name of ["second deploy", "configuration change", "rollback"]) {
      expect(row(name)[1]).toBe("ok");
      expect(row(name)[4]).toBe("0");
      expect(row(name)[5]).toBe("0");
    }
    expect(row("release that is never healthy").slice(1, 2)).toEqual(["refused"]);
    expect(row("restore")[1]).toBe("ok");
    const [, requests = "0", failed] = row("all").filter(Boolean);
    expect(Number(requests)).toBeGreaterThan(10_000);
    expect(failed).toBe("0");
    expect(await leftovers()).toEqual([]);
  }, 1_200_000);
});
