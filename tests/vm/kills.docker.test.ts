/** @module-tag slow */

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Load } from "./load.ts";
import { directory, Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const { good = "", better = "" } = vm.shared.releases;
const load = new Load();
/** One step for each state that a deploy leaves behind; the others are tried before a release. */
const steps = ["pull", "migrate", "switch", "background", "retire"];
const others = ["lock", "services", "backup", "start", "health", "verify", "record", "prune"];
const table: string[][] = [["killed at", "then", "requests", "failed", "serves"]];

beforeAll(() => load.start(vm.shared.address, 20));
afterAll(() => {
  load.stop();
  console.log(
    table
      .map((row) =>
        row
          .map((cell) => cell.padEnd(14))
          .join("")
          .trimEnd(),
      )
      .join("\n"),
  );
});

/**
 * Begins a deploy of whatever does not serve now and kills its script as soon as it says that it is at a step, and has the
 * lock if that is `locked`.
 */
async function killAt(step: string, locked = true): Promise<string> {
  const serving = await vm.must(`grep APP_IMAGE= ${directory}/current/release.env`);
  const place = await vm.deliver({ image: serving.includes(good) ? better : good });
  const line = `
    rm -f /tmp/followed
    bash ${place}/host/stackline deploy >/tmp/followed 2>&1 &
    until run=$(sed -n '1s/^run //p' /tmp/followed 2>/dev/null) && [ -n "$run" ]; do sleep 0.02; done
    until grep -qE '\\] ${step}(:|$)' ${directory}/runs/$run/log || [ -e ${directory}/runs/$run/exit ]; do sleep 0.02; done
    ${locked ? `until [ -s ${directory}/lock ] || [ -e ${directory}/runs/$run/exit ]; do sleep 0.02; done` : ""}
    kill -9 $(cat ${directory}/runs/$run/pid) 2>/dev/null
    wait
    cat /tmp/followed`;
  return (await vm.sh(line)).stdout;
}

describe("a deploy whose script is killed", () => {
  test("before it takes the lock changes nothing, and says so", async () => {
    expect(await killAt("preflight", false)).toMatch(
      /was killed at step 'preflight' and holds no lock: 'status' shows what serves; then try again/,
    );
    expect((await vm.stackline("status")).stdout).toMatch(/^lock +free$/m);
  });

  test("before it takes the lock leaves the uploaded release and its secrets for at most a day", async () => {
    const sent = `ls -A ${directory}/releases | grep -c '^.incoming' || true`;
    expect(await vm.must(sent)).toBe("1\n");
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    expect(await vm.must(sent)).toBe("1\n");
    await vm.must(`touch --date '2 days ago' ${directory}/releases/.incoming.*`);
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    expect(await vm.must(sent)).toBe("0\n");
  });

  test.each(steps)("at step %s leaves the stack serving, and names the remedy", isRepaired);

  test.each(others)(
    "at step %s leaves the stack serving, and names the remedy",
    { tags: ["release"] },
    isRepaired,
  );

  async function isRepaired(step: string): Promise<void> {
    await load.begin(step);
    const followed = await killAt(step);
    expect(followed, "what whoever watches is told").toMatch(/was killed at step '.+': run unlock/);
    // What it had started (compose, docker) may still be at it.
    await vm.until(
      async () => /lock .*that run was killed/.test((await vm.stackline("status")).stdout),
      "the end of its children",
    );
    expect((await vm.stackline("status")).stdout).toMatch(
      /that run was killed at step '.+': run unlock to repair/,
    );

    const next = await vm.deploy({ image: better });
    expect(next.exitCode).not.toBe(0);
    expect(next.stdout).toMatch(
      /locked: deploy by .* since .*; that run was killed at step '.+': run unlock/,
    );

    const unlock = await vm.stackline("unlock");
    expect(unlock.exitCode, unlock.stdout).toBe(0);
    const { sent, failed, reasons } = await load.count(step);
    const checks = await vm.checks();
    table.push([
      step,
      "unlock: ok",
      String(sent),
      String(failed),
      checks.includes("FAIL") ? "not green" : "six green",
    ]);
    expect(reasons).toEqual({});
    expect(checks.match(/^ok /gm)).toHaveLength(6);
    const apps = "docker ps -q --filter label=com.docker.compose.service=app | wc -l";
    expect(await vm.must(apps)).toBe("1\n");
  }

  test("does not prevent the next deploy", async () => {
    const serving = await vm.must(`grep APP_IMAGE= ${directory}/current/release.env`);
    const run = await vm.deploy({ image: serving.includes(good) ? better : good });
    expect(run.exitCode, run.stdout).toBe(0);
  });
});
