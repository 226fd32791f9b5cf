/** @module-tag slow */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { copyNineVariables } from "../../ci/test/contract-app.ts";
import { canaries, Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const folder = mkdtempSync(join(tmpdir(), "stackline-contract-"));
const { POSTGRES_DB = "", POSTGRES_USER = "", POSTGRES_PASSWORD = "" } = canaries;

let image = "";

beforeAll(async () => {
  copyNineVariables(folder);
  image = await vm.publishApplication(folder, "contract");
  await vm.removeSite();
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  // The group's other files expect the site as it was.
  await vm.removeSite();
  const run = await vm.deploy({ image: vm.shared.releases.good ?? "" });
  expect(run.exitCode, run.stdall).toBe(0);
});

test("an application that knows only the nine variables of the contract is deployed with six green items, and its backup restored", async () => {
  const run = await vm.deploy({ image, secrets: { POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD } });
  expect(run.exitCode, run.stdall).toBe(0);
  expect((await vm.checks()).match(/^ok /gm)).toHaveLength(6);
  expect((await vm.stackline("backup")).exitCode).toBe(0);
  const [backup = ""] = (await vm.stackline("backups")).stdout.trim().split(" ");
  const restore = await vm.stackline(`restore ${backup}`);
  expect(restore.exitCode, restore.stdall).toBe(0);
});
