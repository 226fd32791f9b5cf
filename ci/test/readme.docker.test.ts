/** @module-tag slow */

import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { $ } from "zx";
import { readmeBlocks } from "./readme.ts";
import { root, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const project = join(folder, "project");

/** A new clone of the repository, with the packages installed. */
beforeAll(async () => {
  mkdirSync(project);
  await $({ quiet: true, cwd: root })`git ls-files -z | xargs -0 cp --parents -t ${project}`;
  symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
});

const runnable = readmeBlocks().filter(({ mark }) => mark === "run");

test.each(runnable.map(({ text }) => text))("the README's block works unchanged: %s", async (text) => {
  const env = {
    ...process.env,
    STACKLINE_CACHE: inject("sharedCache"),
    STACKLINE_ENGINE: "embedded",
    CI: "true",
  };
  const run = await $({
    nothrow: true,
    quiet: true,
    cwd: project,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  })`bash -euo pipefail -c ${text}`;
  expect(run.exitCode, run.stdall.slice(-3000)).toBe(0);
});
