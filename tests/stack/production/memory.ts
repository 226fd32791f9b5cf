import { expect, test } from "vitest";
import { longRunning, type Production, sleep } from "../production.ts";

/** The memory of the idle stack. */
export function memory(stack: () => Production): void {
  test("idle, the whole stack takes less than 800 MB of memory", async () => {
    await sleep(10_000);
    const usage: { name: string; mib: number }[] = [];
    for (const name of longRunning) usage.push({ name, mib: await stack().memory(name) });
    const total = usage.reduce((sum, { mib }) => sum + mib, 0);
    console.log(
      [
        ...usage.map(({ name, mib }) => `${name} ${mib.toFixed(0)} MiB`),
        `in all ${total.toFixed(0)} MiB`,
      ].join("\n"),
    );
    const running = (await stack().docker("ps", "--quiet")).trim().split("\n");
    expect(running).toHaveLength(usage.length);
    expect(Math.min(...usage.map(({ mib }) => mib))).toBeGreaterThan(1);
    expect(total * 1.048576).toBeLessThan(800);
  });
}
