import { describe, expect, test } from "vitest";
import { PROJECT, sleep } from "../stack/production.ts";
import type { Stage } from "./stage.ts";
import { NUMBERED } from "./writers.ts";

const QUEUE = 20_000_000;

/** A log store that stays down. */
export function storeAway(stage: Stage): void {
  describe("with the store down for good", { tags: ["slow"] }, () => {
    /** The median of 300 requests through nginx, in milliseconds. */
    async function latency(): Promise<number> {
      const url = "http://localhost/healthz/live";
      const format = "%{time_total}\\n";
      const answer = await stage.onHost("curl", "-sS", "-o", "/dev/null", "-w", format, `${url}?[1-300]`);
      const times = answer
        .trim()
        .split("\n")
        .map(Number)
        .sort((one, other) => one - other);
      return (times[150] ?? 0) * 1000;
    }

    test("the application is as fast as before and takes no more memory; the collector and its queue keep their bounds", async () => {
      await stage.stack.up();
      await stage.fresh({ LOGS_QUEUE_BYTES: String(QUEUE) });
      await sleep(3000);
      const before = { latency: await latency(), memory: await stage.stack.memory("app") };
      await stage.stack.docker("stop", "-t", "1", `${PROJECT}_store_1`);
      await stage.begin(NUMBERED, { LINES: "150000", RATE: "15000" });
      const during: number[] = [];
      for (let at = 0; at < 5; at++) during.push(await stage.stack.memory("collector"));
      await sleep(8000);
      const after = { latency: await latency(), memory: await stage.stack.memory("app") };
      during.push(await stage.stack.memory("collector"));
      const queue = stage.queueBytes();
      console.log(
        `store down: latency ${before.latency.toFixed(1)} -> ${after.latency.toFixed(1)} ms, application ${before.memory.toFixed(0)} -> ${after.memory.toFixed(0)} MiB, ` +
          `collector ${Math.max(...during).toFixed(0)} MiB at most, queue ${(queue / 1e6).toFixed(0)} MB on disk of ${QUEUE / 1e6} MB`,
      );
      expect(after.latency).toBeLessThan(Math.max(before.latency * 2, before.latency + 5));
      expect(after.memory).toBeLessThan(before.memory * 1.1 + 5);
      expect(Math.max(...during) * 1.048576).toBeLessThan(256);
      expect(queue).toBeGreaterThan(QUEUE / 2);
      expect(queue).toBeLessThan(QUEUE * 2);
      expect((await stage.stack.inspect("collector")).RestartCount).toBe(0);
    });
  });
}
