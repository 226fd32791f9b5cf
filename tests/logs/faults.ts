import { beforeAll, describe, expect, test } from "vitest";
import { PROJECT, services, sleep } from "../stack/production.ts";
import type { Stage } from "./stage.ts";
import { say, tally } from "./tally.ts";
import { NUMBERED } from "./writers.ts";

/** Faults in the middle of a run. */
export function faults(stage: Stage): void {
  describe("no line is lost, and each is shown once, after", { tags: ["slow"] }, () => {
    const store = `${PROJECT}_store_1`;
    const collector = `${PROJECT}_collector_1`;
    // The rest of the stack would only use CPU time that the measurement needs.
    beforeAll(async () => void (await stage.stack.run("stop", ...Object.keys(services), "consumer")));

    const docker = (...args: string[]) => stage.stack.docker(...args);

    /** Lets three services write while `breaks` injects the fault. */
    async function survive(
      fault: string,
      each: number,
      rate: number,
      breaks: () => Promise<unknown>,
      queue = "",
    ): Promise<void> {
      await stage.fresh(queue ? { LOGS_QUEUE_BYTES: queue } : {});
      await stage.begin(NUMBERED, { LINES: String(each), RATE: String(rate) });
      await breaks();
      const seconds = await stage.arrived(NUMBERED, 3 * each);
      const counted = await tally(stage, each);
      say(fault, seconds, counted);
      expect(counted).toMatchObject({ lost: 0, repeated: 0 });
    }

    test("60 s without the store", async () => {
      await survive("the store was down for 60 s", 100_000, 5000, async () => {
        await sleep(3000);
        await docker("stop", "-t", "2", store);
        await sleep(60_000);
        await docker("start", store);
      });
    });

    test("the collector was stopped and started, with room in its queue and with none", async () => {
      await survive("stopped, with room in the queue", 50_000, 5000, async () => {
        await sleep(3000);
        await docker("stop", collector);
        await docker("start", collector);
      });
      await survive(
        "stopped, with the queue full",
        50_000,
        10_000,
        async () => {
          await docker("stop", "-t", "2", store);
          await sleep(8000);
          await docker("stop", collector);
          await docker("start", store);
          await docker("start", collector);
        },
        "3000000",
      );
    });

    test("a restart of the machine's Docker", async () => {
      await stage.fresh();
      await stage.begin(NUMBERED, { LINES: "1000000", RATE: "5000" });
      await sleep(5000);
      await stage.restartDocker();
      // The restart stops the writers; Docker's files show how far each of them got.
      const wrote = await Promise.all(
        NUMBERED.map(async (name) =>
          Number((await docker("logs", "--tail", "1", `${PROJECT}_${name}_1`)).split(" ")[2]),
        ),
      );
      const sum = wrote.reduce((total, each) => total + each, 0);
      const seconds = await stage.arrived(NUMBERED, sum);
      const counted = await tally(stage, ...wrote);
      say("Docker was restarted", seconds, counted);
      expect(sum).toBeGreaterThan(30_000);
      expect(counted).toMatchObject({ lost: 0, repeated: 0 });
    });

    test("kill -9 of the collector, five times", async () => {
      await survive("killed five times", 80_000, 5000, async () => {
        for (let at = 0; at < 5; at++) {
          await sleep(2000);
          await docker("kill", "-s", "KILL", collector);
          await docker("start", collector);
        }
      });
    });
  });
}
