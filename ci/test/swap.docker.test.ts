/** @module-tag slow */

import { join } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { copyNineVariables } from "./contract-app.ts";
import { daggerIn, root, scratchFolder } from "./support.ts";

/** Another project, which does not contain Stackline. */
const project = join(scratchFolder(), "project");

/** Nothing in it is in common with the application of this repository. */
beforeAll(() => copyNineVariables(join(project, "app")));

describe("another application that follows the same contract", () => {
  const inProject = (...args: string[]) => daggerIn(project, inject("sharedCache"), "-m", root, ...args);

  test("is tested against real services and its own worker by the module of another folder", async () => {
    const run = await inProject("call", "test", "--app=./app");
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toMatch(/^Ran 2 tests in/m);
    expect(run.stdout).toMatch(/^OK/m);
  });

  test("has six green items on its page, which runs behind nginx", async () => {
    const run = await inProject("call", "checks", "--app=./app");
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout.match(/^ok /gm)).toHaveLength(6);
  });
});
