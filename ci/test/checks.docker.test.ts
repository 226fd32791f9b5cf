import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { copyOfApp, dagger, edit, leftovers, root, scratchFolder } from "./support.ts";

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
    expect(verdicts(run.output).failed, run.output).toEqual(["static files"]);
    expect(run.output).toContain("/static/lost.css");
  });

  test("fails with the migration that failed and its error in the last lines", {
    tags: ["slow"],
  }, async () => {
    const app = copyOfApp(folder);
    writeFileSync(
      join(app, "orders", "migrations", "0002_bad.py"),
      `from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]
    operations = [migrations.RunSQL("INSERT INTO nowhere VALUES (1)")]
`,
    );
    const run = await dagger(cache, "call", "checks", `--app=${app}`);
    expect(run.exitCode).toBe(1);
    expect(run.end.split("\n").at(-1)).toMatch(
      /migrate: orders\.0002_bad failed: ProgrammingError: relation "nowhere" does not exist/,
    );
  });

  test("passes for settings as `startproject` leaves them, from a checkout with umask 077 and Windows line endings", {
    tags: ["slow"],
  }, async () => {
    const app = copyOfApp(folder);
    edit(join(app, "devops_001", "settings.py"), withoutStaticRoot);
    const nginx = mkdtempSync(join(folder, "nginx-"));
    cpSync(join(root, "nginx"), nginx, { recursive: true });
    for (const place of [app, nginx]) asOnWindows(place);
    const run = await dagger(cache, "call", "checks", `--app=${app}`, `--nginx=${nginx}`);
    expect(run.exitCode, run.end).toBe(0);
    expect(verdicts(run.stdout).ok).toEqual(components);
  });

  test("an application without STATIC_URL is built, and starts in development", {
    tags: ["slow"],
  }, async () => {
    const app = copyOfApp(folder);
    edit(join(app, "devops_001", "settings.py"), (text) => text.replace('STATIC_URL = "/static/"\n', ""));
    const mounted = ["with-mounted-directory", "--path=/app", `--source=${app}`];
    // As docker-compose.yml starts it. It runs until it is stopped.
    const line = `export ${variables.map((name) => `${name}=1`).join(" ")}; timeout 10 python /opt/docker/collectstatic.py --watch /tmp/www; echo $?; ls /tmp/stackline`;
    const watch = ["with-exec", "--args=sh", "--args=-c", `--args=${line}`, "stdout"];
    const run = await dagger(cache, "call", "build", `--app=${app}`, ...mounted, ...watch);
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toMatch(/nothing to collect\n124\nstatic\n$/);
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

const variables = ["POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"].concat(
  ["DATABASE", "REDIS", "KAFKA"].flatMap((name) => [`${name}_HOST`, `${name}_PORT`]),
);

/** The settings of an application that does not collect its static files. */
function withoutStaticRoot(text: string): string {
  return text
    .replace(/^STATIC_ROOT = .*\n/m, "")
    .replace(
      '"whitenoise.storage.CompressedManifestStaticFilesStorage"',
      '"django.contrib.staticfiles.storage.StaticFilesStorage"',
    );
}

/** Gives all text files Windows line endings, and takes all rights from other users than their owner. */
function asOnWindows(place: string): void {
  for (const name of readdirSync(place, { recursive: true, encoding: "utf8" })) {
    const path = join(place, name);
    const { mode } = statSync(path);
    if (statSync(path).isFile() && !readFileSync(path).includes(0))
      writeFileSync(path, readFileSync(path, "utf8").replace(/\r?\n/g, "\r\n"));
    chmodSync(path, mode & 0o700);
  }
  chmodSync(place, 0o700);
}

/** Width and height are at fixed offsets of a PNG's first chunk (RFC 2083, 4.1.1). */
function pngSize(path: string): [number, number] {
  const bytes = readFileSync(path);
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}
