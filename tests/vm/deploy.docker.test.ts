import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { Caller, lastLines } from "./caller.ts";
import { Load } from "./load.ts";
import { canaries, Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const { address, releases } = vm.shared;
const load = new Load();
const caller = new Caller(vm.shared, canaries);

beforeAll(() => {
  caller.write("vm", { keepReleases: 3 });
  return load.start(address, 20);
});

afterAll(() => {
  load.stop();
  caller.remove();
});

test("a deploy and a rollback serve the other release without a failed request, and the history tells of both", async () => {
  const before = await vm.current();
  await load.begin("deploy");
  const deploy = await caller.run(
    "deploy",
    "vm",
    `--image=${releases.better}`,
    "--secrets=env://THE_SECRETS",
  );
  expect(deploy.exitCode, lastLines(deploy)).toBe(0);
  const deployed = await load.count("deploy");
  const release = await vm.current();
  expect(release).not.toBe(before);
  expect(await vm.checks()).not.toContain("FAIL");

  await load.begin("rollback");
  const rollback = await caller.run("rollback", "vm");
  expect(rollback.exitCode, lastLines(rollback)).toBe(0);
  const back = await load.count("rollback");
  expect(await vm.current()).toBe(before);

  expect(deployed.sent).toBeGreaterThan(100);
  expect([deployed.reasons, back.reasons]).toEqual([{}, {}]);
  const [status, history] = [await caller.run("status", "vm"), await caller.run("history", "vm")];
  expect(status.stdout).toMatch(new RegExp(`^release +${before}$`, "m"));
  expect(history.stdout).toMatch(new RegExp(`deploy .*${release}.* ok`));
  expect(history.stdout).toMatch(new RegExp(`rollback .*${before}.* ok`));
});
