import { describe, expect, test } from "vitest";
import { deadline } from "../deadline.ts";
import type { Stage } from "./stage.ts";
import { say, tally } from "./tally.ts";
import { NUMBERED } from "./writers.ts";

const EACH = 333_334;

/** The largest burst. */
export function bursts(stage: Stage): void {
  describe("a burst", { tags: ["slow"] }, () => {
    test("of 1,000,000 lines from three services, as fast as they can, arrives whole, each line once", async () => {
      await stage.fresh();
      const allowed = deadline(30);
      await stage.begin(NUMBERED, { LINES: String(EACH) });
      const seconds = await stage.arrived(NUMBERED, 3 * EACH);
      const counted = await tally(stage, EACH);
      say("1,000,000 lines", seconds, counted);
      expect(counted).toEqual({ records: 3 * EACH, copies: 0, lost: 0, repeated: 0 });
      expect(seconds).toBeLessThan(allowed);
    });
  });
}
