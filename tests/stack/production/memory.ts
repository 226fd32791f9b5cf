import { expect, test } from "vitest";
import { longRunning, type Production, sleep } from "../production.ts";

/** What the stack takes when nobody asks for anything. */
export function memory(stack: () => Production): void {
  test("idle, the whole stack takes less than 800 MB of memory", async () => {
    await sleep(10_000);
    const format = "{{.Name}} {{.MemUsage}}";
    const lines = (await stack().docker("stats", "--no-stream", "--format", format)).trim().split("\n");
    const usage = lines.map((line) => {
      const [name = "", amount = ""] = line.split(" ");
      return { name, mib: Number.parseFloat(amount) * (amount.endsWith("GiB") ? 1024 : 1) };
    });
    const total = usage.reduce((sum, { mib }) => sum + mib, 0);
    console.log(
      [
        ...usage.map(({ name, mib }) => `${name} ${mib.toFixed(0)} MiB`),
        `in all ${total.toFixed(0)} MiB`,
      ].join("\n"),
    );
    expect(usage).toHaveLength(longRunning.length);
    expect(total * 1.048576).toBeLessThan(800);
  });
}
