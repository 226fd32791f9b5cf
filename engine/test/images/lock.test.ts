import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { withLock } from "../../src/images/lock.ts";
import { ownProcess } from "../../src/store/process.ts";

const newName = (): string => `test-${randomUUID()}`;
const fileOf = (name: string): string => join(tmpdir(), `stackline-${process.getuid?.()}-${name}.held`);

describe("a lock among the processes of a user", () => {
  it("runs one task at a time for each name, even if another task fails", async () => {
    const name = newName();
    let inside = 0;
    const work = async (n: number): Promise<number> => {
      expect(++inside).toBe(1);
      await sleep(20);
      inside--;
      if (n === 1) throw new Error("broken");
      return n;
    };
    const ends = await Promise.allSettled([0, 1, 2].map((n) => withLock(name, () => work(n))));
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("waits for a running owner", async () => {
    const name = newName();
    writeFileSync(fileOf(name), ownProcess());
    const work = withLock(name, async () => "taken");
    expect(await Promise.race([work, sleep(700, "waits")])).toBe("waits");
    rmSync(fileOf(name));
    expect(await work).toBe("taken");
  });

  it("is taken over from a dead owner, even if its PID has been reused", async () => {
    const name = newName();
    const [pid, started = ""] = ownProcess().split(".");
    writeFileSync(fileOf(name), ownProcess().replace(`${pid}.${started}`, `${pid}.${Number(started) - 1}`));
    expect(await withLock(name, async () => "taken")).toBe("taken");
  });

  it("says for whom it waits, again and again", async () => {
    const name = newName();
    const lines: string[] = [];
    writeFileSync(fileOf(name), ownProcess());
    const report = (line: string) => lines.push(line);
    const work = withLock(name, async () => "taken", { report, interval: 50 });
    await expect.poll(() => lines.length, { timeout: 30_000 }).toBeGreaterThan(2);
    rmSync(fileOf(name));
    expect(await work).toBe("taken");
    expect(lines[0]).toMatch(/: waiting for another step of this run, which uses it/);
  });

  it("says that it takes over from a dead owner", async () => {
    const name = newName();
    const lines: string[] = [];
    // No process has this number.
    writeFileSync(fileOf(name), ownProcess().replace(/^\d+/, "4194305"));
    const report = (line: string) => lines.push(line);
    expect(await withLock(name, async () => "taken", { report })).toBe("taken");
    expect(lines).toEqual([`${name}: process 4194305 has ended without releasing it; taking over`]);
  });

  it("that may be held twice is not waited for without a limit", async () => {
    const name = newName();
    const lines: string[] = [];
    writeFileSync(fileOf(name), ownProcess());
    const waiting = { report: (line: string) => lines.push(line), interval: 10, limit: 50 };
    expect(await withLock(name, async () => "beside it", waiting)).toBe("beside it");
    expect(lines.at(-1)).toMatch(/has not released it for 0 s; no longer waiting for it$/);
    rmSync(fileOf(name));
  });
});
