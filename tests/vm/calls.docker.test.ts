/** @module-tag slow */

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { ProcessOutput } from "zx";
import { generateKeyPair } from "../../ci/src/site/ssh-keys.ts";
import { images } from "../../ci/src/versions.ts";
import { Caller, lastLines } from "./caller.ts";
import { Load } from "./load.ts";
import { canaries, directory, sleep, Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const { address, hostKey, releases } = vm.shared;
const { good = "", better = "" } = releases;
const load = new Load();
const caller = new Caller(vm.shared, canaries);
const call = caller.run.bind(caller);

beforeAll(async () => {
  // As many machines do: each login prints something before the command runs.
  await vm.must("echo 'printf \"run nothing\\nwelcome\"' >~deploy/.bashrc");
  caller.write("vm", { keepReleases: 3 });
  caller.write("impostor", { hostKey: generateKeyPair().publicKey });
  caller.write("nobody", { port: 1 });
  caller.write("small", { directory: "/srv/small" });
  caller.write("typo", { hostkey: hostKey });
  await load.start(address, 20);
});

afterAll(() => {
  load.stop();
  caller.remove();
});

const other = async (): Promise<string> =>
  (await vm.must(`grep APP_IMAGE= ${directory}/current/release.env`)).includes(good) ? better : good;
const deploy = async (env: string, ...args: string[]): Promise<ProcessOutput> =>
  call("deploy", env, `--image=${await other()}`, "--secrets=env://THE_SECRETS", ...args);

describe("deploy", () => {
  test("prints the plan and changes nothing with --dry-run", async () => {
    const before = await vm.must(`ls -A ${directory} ${directory}/releases; docker ps -q`);
    const run = await deploy("vm", "--dry-run");
    expect(run.stdout).toMatch(/image +localhost:5000\/app@sha256:\w+ -> localhost:5000\/app@sha256:\w+/);
    expect(run.stdout).toContain("would switch nginx");
    expect(run.exitCode, lastLines(run)).toBe(0);
    expect(await vm.must(`ls -A ${directory} ${directory}/releases; docker ps -q`)).toBe(before);
  });

  test("continues when the connection is cut at every step, and the caller follows it to its end", async () => {
    await load.begin("cut");
    const running = deploy("vm", "--by=ann");
    const seen = new Set<string>();
    let ended = false;
    void running.finally(() => {
      ended = true;
    });
    while (!ended) {
      const step = (await vm.sh(`cat $(ls -d ${directory}/runs/*-deploy-* | tail -n 1)/step`)).stdout.trim();
      const isNew =
        step !== "" && !seen.has(step) && (await vm.sh(`cut -f 2 ${directory}/lock`)).stdout.trim() === "ann";
      if (isNew && (await vm.sh("pkill -9 -f 'sshd: deploy'", "root")).exitCode === 0) seen.add(step);
      await sleep(100);
    }
    const run = await running;
    console.log(`connection cut at: ${[...seen].join(", ")}`);
    expect(run.exitCode, lastLines(run)).toBe(0);
    expect(run.stdall).toMatch(/the connection was lost; the run continues on the machine/);
    expect(run.stdall).toMatch(/release \S+ serves, after/);
    expect(seen.size).toBeGreaterThan(4);
    // By digest where a registry gives one.
    expect(await vm.must(`cat ${directory}/current/release.env`)).toContain(`\nNGINX_IMAGE=${images.nginx}`);
    expect((await load.count("cut")).reasons).toEqual({});
    expect(await vm.lastRecord()).toMatchObject({ action: "deploy", by: "ann", outcome: "ok" });
    for (const value of Object.values(canaries)) expect(run.stdall).not.toContain(value);
  });

  test("is exclusive: a second caller is told who holds the lock and since when", async () => {
    const first = deploy("vm", "--by=ann");
    await vm.until(
      async () => (await vm.sh(`cat ${directory}/lock`)).stdout.includes("ann"),
      "the first one's lock",
      120,
    );
    // It waits for the second one, which may take longer to start than the first one takes.
    const signal = (name: string): Promise<string> =>
      vm.must(`kill -${name} $(cat ${directory}/runs/$(cut -f 4 ${directory}/lock)/pid)`, "root");
    await signal("STOP");
    const second = await deploy("vm", "--by=bob").finally(() => signal("CONT"));
    expect(second.exitCode).toBe(1);
    expect(lastLines(second)).toMatch(/locked: deploy by ann since \d{4}-\d\d-\d\dT[\d:]+Z .*in progress/);
    const run = await first;
    expect(run.exitCode, lastLines(run)).toBe(0);
  });

  test("sends nothing to a machine with a different host key", async () => {
    const before = await vm.must(`ls -A ${directory}/releases ${directory}/runs`);
    const run = await deploy("impostor");
    expect(run.exitCode).toBe(1);
    expect(lastLines(run)).toMatch(/shows another host key than the environment's hostKey: nothing was sent/);
    expect(await vm.must(`ls -A ${directory}/releases ${directory}/runs`)).toBe(before);
  });

  test.each([
    ["an unknown environment", "prd", [], /there is no environment "prd": environments\/ has .*vm/],
    ["an unknown field", "typo", [], /environments\/typo.json: there is no field "hostkey"/],
    ["an unreachable machine", "nobody", [], /cannot be reached by SSH: .*refused/],
    ["a tag instead of a digest", "vm", ["--image=localhost:5000/app:good"], /is not a reference by digest/],
    [
      "incomplete secrets",
      "vm",
      ["--secrets=env://NO_SECRETS"],
      /missing or empty: POSTGRES_USER, POSTGRES_PASSWORD/,
    ],
  ])("rejects %s with a one-line message", async (_, env, args, words) => {
    const run = await deploy(env, ...args);
    expect(run.exitCode).toBe(1);
    expect(lastLines(run)).toMatch(words);
  });

  test("rejects a full disk with a one-line message", async () => {
    await vm.must("mkdir -p /srv/small; mount -t tmpfs -o size=2m,uid=1000 tmpfs /srv/small", "root");
    const run = await deploy("small");
    await vm.must("umount /srv/small", "root");
    expect(run.exitCode).toBe(1);
    expect(lastLines(run)).toMatch(
      /\/srv\/small has \d+ MB free, and a deploy needs 1024|is not writable: \d+ MB are free/,
    );
  });
});

describe("the functions of a site", () => {
  test("status, history, app-logs and exec report the state of the machine", async () => {
    const [status, history, logs, command] = [
      await call("status", "vm"),
      await call("history", "vm"),
      await call("app-logs", "vm", "--service=nginx", "--lines=5"),
      await call("exec", "vm", "--command=python,manage.py,check"),
    ];
    expect(status.stdout).toMatch(/^release +\d{8}T\d{6}Z-\w{7}$/m);
    expect(status.stdout).toMatch(/^nginx +Up .*healthy/m);
    expect(history.stdout).toMatch(/deploy .* ann .* ok/);
    expect(logs.stdout).toContain('"request_id"');
    expect(command.stdout).toContain("no issues");
    expect(await vm.lastRecord()).toMatchObject({
      action: "exec",
      release: "app",
      by: expect.stringMatching(/^SHA256:/),
      outcome: "ok",
      reason: "python manage.py check",
    });
    expect(
      await vm.must(`ls -A ${directory}/releases | grep -c incoming || true`),
      "incoming folders left behind",
    ).toBe("0\n");
  });

  test("a change without --by is recorded with the fingerprint of the SSH key", async () => {
    const run = await call("backup", "vm");
    expect(run.exitCode, lastLines(run)).toBe(0);
    expect(await vm.lastRecord()).toMatchObject({ action: "backup", outcome: "ok" });
    expect((await vm.lastRecord()).by).toMatch(/^SHA256:[\w+/]{43}$/);
  });

  test("the history tells of commands without their secrets, and of those that fail", async () => {
    const secret = `x${canaries.SECRET_KEY}x`;
    expect(
      (await call("exec", "vm", `--command=sh,-c,exit 3,${secret}`, "--service=nginx")).exitCode,
    ).not.toBe(0);
    expect(await vm.lastRecord()).toMatchObject({
      action: "exec",
      release: "nginx",
      outcome: "failed",
      reason: "exit code 3: sh -c 'exit 3' 'x***x'",
    });
    expect((await vm.stackline("compose restart beat")).exitCode).toBe(0);
    expect(await vm.lastRecord()).toMatchObject({ action: "compose", outcome: "ok", reason: "restart beat" });
    expect(await vm.must(`cat ${directory}/history.tsv`)).not.toContain(canaries.SECRET_KEY);
  });

  test("maintenance shows its page to visitors until it is switched off", async () => {
    const ask = async (): Promise<number> =>
      (await fetch(`http://${address}/`, { redirect: "manual" })).status;
    expect((await call("maintenance", "vm", "--on")).exitCode).toBe(0);
    expect(await ask()).toBe(503);
    expect((await call("maintenance", "vm", "--off")).exitCode).toBe(0);
    expect(await ask()).toBeLessThan(400);
    expect(await vm.lastRecord()).toMatchObject({ action: "maintenance", release: "off", outcome: "ok" });
  });
});
