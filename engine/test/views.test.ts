import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { defaults, type Options } from "../src/cli/options.ts";
import { chooseView } from "../src/cli/views.ts";
import { Progress } from "../src/session/progress.ts";

/** Runs four steps with a view and returns everything that it wrote. */
async function shown(options: Partial<Options>, isTerminal = false): Promise<string> {
  const out = Object.assign(new PassThrough(), { isTTY: isTerminal, columns: 80, rows: 24 });
  const view = chooseView({ ...defaults, ...options }, out as unknown as NodeJS.WriteStream);
  const progress = new Progress(view);
  await progress.step("kept", async (step) => step.cached());
  await progress.step("build", async (step) => {
    step.log("first line\nsec");
    await sleep(250);
    step.log("ond line\n");
  });
  await progress.step("service", async (step) => step.log("ready\n"), true);
  await progress.step("test", async () => Promise.reject(new Error())).catch(() => undefined);
  if (progress.summary) progress.note(progress.summary);
  view.close();
  out.end();
  return (await out.toArray()).join("").replace(/\d+\.\d+s/g, "TIME");
}

describe("progress as plain text", () => {
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

describe("progress on a terminal", () => {
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
    const before = process.env.CI;
    delete process.env.CI;
    expect(await shown({}, true)).toContain("\u001b[");
    process.env.CI = "true";
    expect(await shown({}, true)).not.toContain("\u001b[");
    if (before === undefined) delete process.env.CI;
    else process.env.CI = before;
  });
});
