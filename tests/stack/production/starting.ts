import { describe, expect, test } from "vitest";
import { deadline } from "../../deadline.ts";
import { outOfOrder, parseEvents } from "../order.ts";
import type { Production } from "../production.ts";
import { compose2 } from "../tools.ts";

/** The order and the duration of a cold start, with both compose versions. */
export function starting(stack: () => Production): void {
  describe("starting", () => {
    async function startCold(): Promise<void> {
      const since = new Date().toISOString();
      const seconds = await stack().up();
      const events = await stack().docker(
        "events",
        "--since",
        since,
        "--until",
        new Date().toISOString(),
        "--format",
        "{{json .}}",
      );
      console.log(
        `cold start of production with compose ${stack().compose.version}: ${seconds.toFixed(1)} s`,
      );
      expect(outOfOrder(parseEvents(events))).toEqual([]);
      expect(seconds).toBeLessThan(deadline(30));
      // A check has a time limit of its own, which a busy machine exceeds right after a start.
      await expect
        .poll(() => stack().checks(), { timeout: 60_000, interval: 3000 })
        .toEqual(["static", "nginx", "postgresql", "redis", "celery", "kafka"].map((name) => `${name} ok`));
    }

    test("nothing starts before what it needs is ready, all is healthy in 30 s: compose 1", startCold);

    test("nothing starts before what it needs is ready, all is healthy in 30 s: compose 2", async ({
      skip,
    }) => {
      const compose = await compose2();
      if (!compose) return skip();
      await stack().run("down", "--volumes");
      stack().compose = compose;
      await startCold();
    });
  });
}
