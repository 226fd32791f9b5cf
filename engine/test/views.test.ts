import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";

import { defaults, type Options } from "../src/cli/options.ts";
import { chooseView } from "../src/cli/views.ts";
import { Progress } from "../src/session/progress.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Runs four steps with a view and returns everything that it wrote. */
function shown(options: Partial<Options>, isTerminal = false): Promise<string> {
  return written(options, fourSteps, { isTTY: isTerminal });
}

interface Terminal {
  isTTY: boolean;
  columns?: number;
  rows?: number;
}

/** Everything that a view writes during `work`. */
async function written(
  options: Partial<Options>,
  work: (progress: Progress) => Promise<unknown>,
  terminal: Terminal = { isTTY: false },
): Promise<string> {
  const out = Object.assign(new PassThrough(), { columns: 80, rows: 24, ...terminal });
  const view = chooseView({ ...defaults, ...options }, out as unknown as NodeJS.WriteStream);
  const progress = new Progress(view);
  await work(progress);
  progress.end();
  out.end();
  return (await out.toArray()).join("").replace(/\d+\.\d+s/g, "TIME");
}

async function fourSteps(progress: Progress): Promise<void> {
  await progress.step("kept", async (step) => step.cached());
  await progress.step("build", async (step) => {
    step.log("first line\nsec");
    await sleep(250);
    step.log("ond line\n");
  });
  await progress.step("service", async (step) => step.log("ready\n"), true);
  await progress.step("test", async () => Promise.reject(new Error())).catch(() => undefined);
  progress.summarise(false);
}

describe("progress as plain text", () => {
  it("shows the beginning of a line that does not end for a second, such as the dots of a test run", async () => {
    const text = await written({ progress: "plain" }, (progress) =>
      progress.step("test", async (step) => {
        step.log("ready\n...");
        await sleep(3_000);
        step.log("..\nOK\n");
      }),
    );
    expect(text.split("\n").filter((line) => line.includes("|"))).toEqual([
      "1 | ready",
      "1 | ...",
      "1 | ..",
      "1 | OK",
    ]);
  });

  it("has one line per event, the output of steps but not of services in whole lines, and a summary", async () => {
    expect((await shown({})).trim().split("\n")).toEqual([
      "1 ▸ kept",
      "1 ✔ kept [cached]",
      "2 ▸ build",
      "2 | first line",
      "2 | second line",
      "2 ✔ build [TIME]",
      "3 ▸ service",
      "3 ✔ service [TIME]",
      "4 ▸ test",
      "4 ✘ test [TIME]",
      "✘ 4 steps in TIME, 1 cached, 1 failed",
    ]);
  });

  it("shows services with -v, only results with -q or as a report, and nothing with -qq or -s", async () => {
    expect(await shown({ verbose: 1 })).toContain("3 | ready");
    for (const options of [{ quiet: 1 }, { progress: "report" }])
      expect((await shown(options)).split("\n")[1]).toBe("2 ✔ build [TIME]");
    for (const options of [{ quiet: 2 }, { silent: true }]) expect(await shown(options)).toBe("");
  });
});

describe("the end of the progress", () => {
  it("is the last that is shown: steps that still run report nothing more", async () => {
    let end: () => void = () => undefined;
    const text = await written({}, async (progress) => {
      const slow = progress.step("slow", async (step) => {
        await new Promise<void>((resolve) => {
          end = resolve;
        });
        step.log("late\n");
        step.note("late");
        throw new Error("cancelled");
      });
      await progress.step("test", async () => Promise.reject(new Error())).catch(() => undefined);
      progress.summarise(false);
      progress.end();
      end();
      await slow.catch(() => undefined);
      progress.note("late");
      progress.once("late");
    });
    expect(text.trim().split("\n")).toEqual([
      "1 ▸ slow",
      "2 ▸ test",
      "2 ✘ test [TIME]",
      "✘ 2 steps in TIME, 1 failed, 1 cancelled",
    ]);
  });

  it("is a success if the session is, whatever a step was expected to do", async () => {
    const text = await written({}, async (progress) => {
      await progress.step("refused", async () => Promise.reject(new Error())).catch(() => undefined);
      progress.summarise(true);
    });
    expect(text).toMatch(/\n✔ 1 step in TIME, 1 failed\n$/);
  });
});

describe("output without line ends", () => {
  it("is shown in pieces, also within one line of a step's output", async () => {
    const text = await written({}, (progress) =>
      progress.step("long", async (step) => step.log(`${"x".repeat(50_000)}\n${"y".repeat(20_000)}`)),
    );
    const lengths = text
      .split("\n")
      .filter((line) => line.startsWith("1 | "))
      .map((line) => line.length - 4);
    expect(lengths).toEqual([16_384, 16_384, 16_384, 848, 16_384, 3_616]);
  });
});

describe("progress on a terminal", () => {
  const long = (progress: Progress): Promise<void> =>
    progress.step(`exec ${"x".repeat(200)}`, async (step) => {
      step.log(`10 %\r\u001b[2K\u001b[31m50 %\u001b[0m\r100 %\n${"z".repeat(300)}\n`);
      await sleep(250);
    });

  it("keeps each running step on one line, however narrow, without what moves the cursor", async () => {
    for (const columns of [20, 40]) {
      const text = await written({ progress: "tty" }, long, { isTTY: true, columns });
      const lines = stripVTControlCharacters(text.split("✔")[0] ?? "").split("\n");
      expect(Math.max(...lines.map((line) => line.length))).toBe(columns - 1);
      expect([...new Set(lines)]).toContain("  | 100 %");
      expect(text).not.toContain("\r");
    }
  });

  it("is plain text on one that cannot move its cursor, or does not know its size", async () => {
    vi.stubEnv("CI", undefined);
    vi.stubEnv("TERM", "xterm");
    expect(await written({}, long, { isTTY: true })).toContain("\u001b[");
    expect(await written({}, long, { isTTY: true, columns: 0, rows: 0 })).toMatch(/^1 ▸ exec/);
    vi.stubEnv("TERM", "dumb");
    expect(await written({}, long, { isTTY: true })).toMatch(/^1 ▸ exec/);
  });

  it("shows running steps with their last lines, and finished steps in order", async () => {
    const text = await shown({ progress: "tty" }, true);
    expect(text).toContain("▸ build TIME");
    expect(text).toContain("  | first line");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal control sequences.
    const plain = text.replace(/\u001b\[[\d;?]*[A-Za-z]/g, "");
    const ends = plain
      .split("\n")
      .filter((line) => /[✔✘]/.test(line))
      .map((line) => line.trim());
    expect(ends).toEqual([
      "✔ kept [cached]",
      "✔ build [TIME]",
      "✔ service [TIME]",
      "✘ test [TIME]",
      "✘ 4 steps in TIME, 1 cached, 1 failed",
    ]);
  });

  it("is chosen on a terminal, but not on a CI runner", async () => {
    vi.stubEnv("CI", undefined);
    vi.stubEnv("TERM", "xterm");
    expect(await shown({}, true)).toContain("\u001b[");
    vi.stubEnv("CI", "true");
    expect(await shown({}, true)).not.toContain("\u001b[");
  });
});
