import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { copyOfApp, dagger, edit, leftovers, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");
const components = ["static files", "nginx", "PostgreSQL", "Redis", "Celery", "Kafka"];

/** The components that a run reports as ok and as FAIL. */
function verdicts(stdout: string): { ok: string[]; failed: string[] } {
  const names = (pattern: RegExp): string[] =>
    [...stdout.matchAll(pattern)].map(([, name]) => name as string);
  return { ok: names(/^ok {3}(.+)$/gm), failed: names(/^FAIL ([^:]+):/gm) };
}

describe("call checks", () => {
  test("reports all six components as ok, in order", async () => {
    const run = await dagger(cache, "call", "checks");
    expect(run.exitCode, run.end).toBe(0);
    expect(verdicts(run.stdout)).toEqual({ ok: components, failed: [] });
  });

  // Celery fails without Redis, which is its broker.
  const drills: Record<string, string[]> = {
    nginx: ["nginx"],
    postgres: ["PostgreSQL"],
    redis: ["Redis", "Celery"],
    worker: ["Celery"],
    kafka: ["Kafka"],
  };
  for (const [part, failing] of Object.entries(drills)) {
    test(`without ${part}, reports ${failing.join(" and ")} as FAIL and nothing else`, {
      tags: ["slow"],
    }, async () => {
      const run = await dagger(cache, "call", "checks", `--without=${part}`);
      expect(run.exitCode).toBe(1);
      expect(verdicts(run.output).failed).toEqual(failing);
      expect(verdicts(run.output).ok).toEqual(components.filter((name) => !failing.includes(name)));
    });
  }

  test("fails for a missing stylesheet even if the page shows a green item", { tags: ["slow"] }, async () => {
    const app = copyOfApp(folder);
    edit(join(app, "checks", "templates", "checks", "checks.html"), (text) =>
      text.replace(/<link[^>]*stylesheet[^>]*>/, '<link rel="stylesheet" href="/static/lost.css">'),
    );
    const run = await dagger(cache, "call", "checks", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(verdicts(run.output).failed).toEqual(["static files"]);
    expect(run.output).toContain("/static/lost.css");
  });

  test("lists the valid parts for an unknown one", async () => {
    const run = await dagger(cache, "call", "checks", "--without=nothing");
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain('unknown part "nothing": use nginx, postgres, redis, worker, kafka');
  });
});

describe("call checks-page and checks-screenshot", { tags: ["slow"] }, () => {
  test("return the page as HTML and as a screenshot of the requested size", async () => {
    const page = await dagger(cache, "call", "checks-page");
    expect(page.exitCode, page.end).toBe(0);
    expect(page.stdout.match(/<li[^>]*class="[^"]*green/g)).toHaveLength(6);
    const path = join(folder, "checks.png");
    const shot = await dagger(
      cache,
      "call",
      "checks-screenshot",
      "--width=390",
      "--height=844",
      "export",
      `--path=${path}`,
    );
    expect(shot.exitCode, shot.end).toBe(0);
    expect(pngSize(path)).toEqual([390, 844]);
  });

  test("and leave nothing behind in Docker", async () => {
    expect(await leftovers()).toEqual([]);
  });
});

/** Width and height are at fixed offsets of a PNG's first chunk (RFC 2083, 4.1.1). */
function pngSize(path: string): [number, number] {
  const bytes = readFileSync(path);
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}
