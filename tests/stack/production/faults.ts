import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { $ } from "zx";
import { deadline } from "../../deadline.ts";
import { longRunning, type Production, sleep } from "../production.ts";

const KINDS = ["rows", "tasks", "messages"];

/** Kills every process, one by one, and restarts Docker, under a writing load. */
export function faults(stack: () => Production): void {
  describe("the stack recovers from a fault within 60 s without help", () => {
    /** Injects a fault while a writer runs, and expects the stack to recover within 60 s without losses. */
    async function survive(
      fault: string,
      breaks: () => Promise<unknown>,
      restarted: string[],
    ): Promise<void> {
      await stack().runWith({ FAULT: fault }, "up", "-d", "--no-deps", "writer");
      const noted = (kind: string) =>
        readFileSync(join(stack().notes, `${fault}.${kind}`), "utf8").split("\n").length - 1;
      const started = (kind: string) =>
        readdirSync(stack().notes).includes(`${fault}.${kind}`) && noted(kind) > 50;
      while (!KINDS.every(started)) await sleep(100);
      const at = new Date();
      const before = KINDS.map(noted);
      await breaks();
      const isNew = async (name: string) => new Date((await stack().inspect(name)).State.StartedAt) > at;
      const over = async () =>
        (await Promise.all(restarted.map(isNew))).every(Boolean) &&
        (await stack().unhealthy()).length === 0 &&
        (await stack().allGreen());
      const limit = deadline(60);
      while (!(await over()) && Date.now() - at.getTime() < 2 * limit * 1000) await sleep(300);
      const seconds = (Date.now() - at.getTime()) / 1000;
      await stack().docker("wait", (await stack().inspect("writer")).Id);
      const after = KINDS.map(noted);
      console.log(
        `${fault}: six green after ${seconds.toFixed(1)} s; ${KINDS.map((kind, at) => `${(after[at] ?? 0) - (before[at] ?? 0)} ${kind}`).join(", ")} acknowledged since`,
      );
      expect(seconds).toBeLessThan(limit);
      expect(after).toEqual([1000, 1000, 1000]);
    }

    /** The service's own process: the only child of the container's init. */
    async function kill(service: string): Promise<void> {
      const { Pid } = (await stack().inspect(service)).State;
      await $({
        quiet: true,
      })`${stack().daemon.inside("sh", "-c", `kill -9 $(cat /proc/${Pid}/task/${Pid}/children)`)}`;
    }

    test.each(longRunning)("kill -9 of %s", async (service) => {
      await survive(`kill-${service}`, () => kill(service), [service]);
    });

    test("a restart of the Docker daemon", async () => {
      await survive("daemon", () => stack().daemon.restart(), longRunning);
    });

    test("no row, no queued task and no acknowledged message was lost in any of them", async () => {
      const report = JSON.parse(
        (
          await stack().run("run", "--rm", "--no-deps", "-T", "writer", "python", "/writer.py", "verify")
        ).stdout
          .trim()
          .split("\n")
          .at(-1) ?? "",
      );
      console.log(
        Object.entries(report)
          .map(([fault, counts]) => `${fault}: ${JSON.stringify(counts)}`)
          .join("\n"),
      );
      const whole = { rows: 1000, tasks: 1000, messages: 1000 };
      expect(report).toEqual(
        Object.fromEntries(
          [...longRunning.map((name) => `kill-${name}`), "daemon"].map((fault) => [fault, whole]),
        ),
      );
    });
  });
}
