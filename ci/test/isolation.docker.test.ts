/** @module-tag slow */

import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { $ } from "zx";
import { dagger, docker, leftovers, type Outcome, scratchFolder, smallApp } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");

describe("the credentials of a run", () => {
  test("are in no cached image, nowhere in the store, and not in the output", async () => {
    const app = smallApp(folder);
    // Another run than that of other tests with the same cache.
    appendFileSync(join(app, "manage.py"), `\n# ${Date.now()}\n`);
    const running = dagger(cache, "call", "test", `--app=${app}`);
    const secrets = await watchSecrets(running);
    const run = await running;
    expect(run.exitCode, run.end).toBe(0);
    // Database, user and password: 48 random hexadecimal digits each.
    expect(secrets.size).toBeGreaterThanOrEqual(3);
    const places = [run.output, await describeImages(), await grep(cache, secrets)].join("\n");
    expect([...secrets].filter((secret) => places.includes(secret))).toEqual([]);
  });
});

describe("repeated runs", () => {
  test("five in a row, with the test results pruned, pass and leave nothing behind", {
    tags: ["release"],
  }, async () => {
    const own = join(folder, "cache");
    for (let run = 1; run <= 5; run++) {
      expect((await dagger(own, "prune", "--results")).exitCode).toBe(0);
      const { exitCode, stderr, end } = await dagger(own, "call", "test");
      expect(exitCode, end).toBe(0);
      expect(stderr).not.toContain("Stackline.test [cached]");
      expect(await leftovers()).toEqual([]);
    }
  });
});

/** Reads the secret files that are mounted into the run's containers while they exist. */
async function watchSecrets(running: Promise<Outcome>): Promise<Set<string>> {
  const found = new Set<string>();
  let isOver = false;
  void running.then(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const name of readdirSync("/dev/shm").filter((item) => item.startsWith("stackline-"))) {
      const { stdout } = await $({ quiet: true, nothrow: true })`cat ${join("/dev/shm", name)}/*`;
      for (const [value] of stdout.matchAll(/[0-9a-f]{48}/g)) found.add(value);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return found;
}

async function describeImages(): Promise<string> {
  const images = await docker.listImages({ all: true });
  const texts = await Promise.all(
    images.map(async ({ Id }) => {
      const image = docker.getImage(Id);
      // Other tests may remove an image of theirs at this moment.
      return JSON.stringify(await Promise.allSettled([image.inspect(), image.history()]));
    }),
  );
  return texts.join("\n");
}

async function grep(folder: string, secrets: Set<string>): Promise<string> {
  const { stdout } = await $({
    quiet: true,
    nothrow: true,
    input: [...secrets].join("\n"),
  })`grep -rhoaf - ${folder}`;
  return stdout;
}
