import { availableParallelism, loadavg } from "node:os";
import { describe, expect, test } from "vitest";
import type { Stage } from "./stage.ts";
import { say, tally } from "./tally.ts";
import { NUMBERED } from "./writers.ts";

const EACH = 333_334;

/** The largest burst. */
export function bursts(stage: Stage): void {
  describe("a burst", () => {
    test("of 1,000,000 lines from three services, as fast as they can, arrives whole, each line once", async () => {
      await stage.fresh();
      // 30 s on an idle machine, proportionally longer on a busy one.
      const allowed = 30 * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
      await stage.begin(NUMBERED, { LINES: String(EACH) });
      const seconds = await stage.arrived(NUMBERED, 3 * EACH);
      const counted = await tally(stage, EACH);
      say("1,000,000 lines", seconds, counted);
      expect(counted).toEqual({ records: 3 * EACH, copies: 0, lost: 0, repeated: 0 });
      expect(seconds).toBeLessThan(allowed);
    });
  });
}
