/** @module-tag release */

import { describe, expect, inject, test } from "vitest";
import { dagger, leftovers } from "./support.ts";

describe("rehearse", () => {
  test("deploys, changes the configuration, rolls back and restores under load without a failed request", async () => {
    const run = await dagger(inject("sharedCache"), "call", "rehearse");
    console.log(run.stdout);
    expect(run.exitCode, run.end).toBe(0);
    // The refused release is expected: no step has failed.
    expect(run.stderr.trimEnd().split("\n").at(-1)).toMatch(/^✔ \d+ steps in [\d.]+s(, \d+ cached)?$/);
    const row = (name: string): string[] =>
      run.stdout
        .split("\n")
        .map((line) => line.trim().split(/\s{2,}/))
        .find(([first]) => first === name) ?? [];
    // step, outcome, seconds, requests, failed, maintenance, median, p99
    for (const name of ["second deploy", "configuration change", "rollback"]) {
      expect(row(name)[1]).toBe("ok");
      expect(row(name)[4]).toBe("0");
      expect(row(name)[5]).toBe("0");
    }
    expect(row("release that is never healthy")[1]).toBe("refused");
    expect(row("restore")[1]).toBe("ok");
    const [, requests, failed] = row("all");
    expect(Number(requests)).toBeGreaterThan(500);
    // The last step replaces nginx: what fails then is the length of its gap.
    expect(Number(failed) - Number(row("another nginx image")[4])).toBe(0);
    const [, uploads, failedUploads] = row("uploads over 3 s");
    expect(Number(uploads)).toBeGreaterThan(30);
    expect(Number(failedUploads)).toBeLessThanOrEqual(Number(row("another nginx image")[4]));
    expect(run.stdout).toMatch(/^restore: the maintenance page for \d+\.\d s$/m);
    expect(run.stdout).toMatch(/^another nginx image: no answer for \d+\.\d s$/m);
    expect(await leftovers()).toEqual([]);
  }, 1_200_000);
});
