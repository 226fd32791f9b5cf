/** @module-tag slow */

import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { $ } from "zx";
import { dagger, docker, scratchFolder, smallApp } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");

describe("call test-report", () => {
  test("exports JUnit and coverage", async () => {
    const out = join(folder, "report");
    const run = await dagger(
      cache,
      "call",
      "test-report",
      `--app=${smallApp(folder)}`,
      "export",
      `--path=${out}`,
    );
    expect(run.exitCode, run.end).toBe(0);
    expect(readFileSync(join(out, "junit.xml"), "utf8")).toMatch(/<testsuite [^>]*tests="\d+"/);
    expect(readFileSync(join(out, "coverage.xml"), "utf8")).toMatch(/line-rate="0\.\d+"|line-rate="1"/);
    expect(existsSync(join(out, "html", "index.html"))).toBe(true);
  });

  test("also exports the reports of failed tests", async () => {
    const app = smallApp(folder, {
      "checks/test_broken.py":
        'from django.test import SimpleTestCase\n\n\nclass Broken(SimpleTestCase):\n    def test_it(self):\n        self.fail("on purpose")\n',
    });
    const out = join(folder, "failed");
    const run = await dagger(cache, "call", "test-report", `--app=${app}`, "export", `--path=${out}`);
    expect(run.exitCode, run.end).toBe(0);
    expect(readFileSync(join(out, "junit.xml"), "utf8")).toContain("on purpose");
  });
});

describe("call build", () => {
  test("exports an image that docker load accepts, that runs as a non-root user and contains no compiler or test tools", async () => {
    const file = join(folder, "image.tar");
    const run = await dagger(cache, "call", "build", "export", `--path=${file}`);
    expect(run.exitCode, run.end).toBe(0);
    const id = await load(file);
    try {
      const script =
        "import django, os, shutil; print(os.getuid(), shutil.which('gcc'), shutil.which('coverage'), django.VERSION[0])";
      const { stdout } = await $({ quiet: true })`docker run --rm ${id} python -c ${script}`;
      expect(stdout.trim()).toMatch(/^10001 None None \d+$/);
    } finally {
      await docker.getImage(id).remove({ force: true });
    }
  });

  test("-o saves the same image", async () => {
    const file = join(folder, "again.tar");
    expect((await dagger(cache, "call", "build", "-o", file)).exitCode).toBe(0);
    const [id, other] = [await load(file), await load(join(folder, "image.tar"))];
    await docker.getImage(id).remove({ force: true });
    expect(id).toBe(other);
  });
});

/** Loads an archive and returns the image's ID. */
async function load(file: string): Promise<string> {
  const stream = await docker.loadImage(createReadStream(file));
  const messages: { stream?: string }[] = await new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output))),
  );
  return /sha256:[0-9a-f]{64}/.exec(messages.map((message) => message.stream ?? "").join(""))?.[0] ?? "";
}
