/** @module-tag slow */

import { once } from "node:events";
import { get } from "node:http";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { ProcessOutput } from "zx";
import { Caller, lastLines } from "./caller.ts";
import { LogStore } from "./log-store.ts";
import { canaries, directory, sleep, Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const { address, releases } = vm.shared;
const { good = "", better = "" } = releases;
const authorization = "Bearer canary-logs-\"4f'1\\5b";
const store = new LogStore(vm);
const caller = new Caller(vm.shared, { ...canaries, LOGS_AUTHORIZATION: authorization });
const mark = `probe-${Date.now().toString(36)}`;
const probes = [1, 2, 3, 4, 5].map((number) => `${mark}-${number}`);

interface Shown {
  time: string;
  service: string;
  level: string;
  text: string;
}

/** What `logs` printed, without the lines that belong to the one before. */
const linesOf = ({ stdout }: ProcessOutput): Shown[] =>
  [...stdout.matchAll(/^(\d{4}-\S+Z) (\S+) +([a-z]+) +(.*)$/gm)].map(
    ([, time = "", service = "", level = "", text = ""]) => ({ time, service, level, text }),
  );
const logs = (...args: string[]): Promise<ProcessOutput> => caller.run("logs", "logs", "--since=5m", ...args);
/** With a port that is none, which nginx passes on: a line of nginx, and an error of the application, with a traceback. */
const ask = async (name: string): Promise<void> => {
  const options = { host: address, path: `/${name}`, headers: { host: `localhost:${name}` } };
  const [response] = await once(get(options), "response");
  expect(response.resume().statusCode).toBe(400);
};
const about = (name: string, shown: Shown[]): Shown[] => shown.filter(({ text }) => text.includes(name));
/** Processes, files and containers on the machine that a call would leave behind. */
const leftovers = async (): Promise<string> => {
  const containers = `docker ps --all --format '{{.Names}} {{.Label "com.docker.compose.project"}}'`;
  const known = "( stackline|^(registry|store|behind-store) *)$";
  const files = `ls -A ${directory}/releases | grep incoming`;
  return (await vm.sh(`pgrep -af 'query-log[s]'; ${files}; ${containers} | grep -vE '${known}'`)).stdall;
};

let refused: ProcessOutput;

beforeAll(async () => {
  const settings = { COMPOSE_PROFILES: "logs", LOGS_ENDPOINT: store.endpoint };
  caller.write("logs", { keepReleases: 3, settings });
  // The first call loads the module, too.
  [refused] = await Promise.all([logs("--since=yesterday"), store.start()]);
  // Compose 1.29 makes it before anybody uses it, and `docker network prune` takes it away again.
  await vm.sh("docker network rm stackline_logs");
  const serving = await vm.must(`grep APP_IMAGE= ${directory}/current/release.env`);
  const image = serving.includes(good) ? better : good;
  const [run] = await Promise.all([
    caller.run("deploy", "logs", `--image=${image}`, "--secrets=env://THE_SECRETS", "--no-backup"),
    store.serve(authorization),
  ]);
  expect(run.exitCode, lastLines(run)).toBe(0);
  expect(run.stdall).not.toContain(authorization);
  for (const name of probes) await ask(name);
  const answered = `query-logs '{service_name="app"} |= "${probes.at(-1)}"' $(date +%s --date=-5min)000000000 $(date +%s)999999999 10 backward`;
  await vm.until(async () => (await vm.stackline(answered)).stdout.includes("HTTP_HOST"), "the last line");
});

afterAll(async () => {
  await store.stop();
  caller.remove();
});

describe("site logs, from the log store,", () => {
  test("prints the lines of nginx and the application in order, each once, and never the Authorization header", async () => {
    const watch = `
      : >/tmp/seen
      while [ -e /tmp/watch ]; do
        cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' >>/tmp/seen
        docker ps --quiet --filter network=stackline_logs | xargs -r docker inspect >>/tmp/seen 2>/dev/null; sleep 0.05
      done
      grep -c 'loki/api/v1/query_range' /tmp/seen; grep -v 'grep ' /tmp/seen | grep -acF canary-logs; rm -f /tmp/seen`;
    await vm.must("touch /tmp/watch");
    const [seen, run] = await Promise.all([vm.sh(watch), logs().finally(() => vm.must("rm /tmp/watch"))]);
    const shown = linesOf(run);
    expect(run.exitCode, lastLines(run)).toBe(0);
    expect(run.stdout).not.toContain("# from the files");
    for (const name of probes) {
      const id = about(`GET /${name} `, shown)[0]?.text.split(" ").at(-1) ?? "";
      const found = about(id, shown).map(({ service, level, text }) => `${service} ${level} ${text}`);
      expect(found.sort()).toEqual([
        expect.stringContaining(`app error Invalid HTTP_HOST header: 'localhost:${name}'`),
        `app info request ${id}`,
        `nginx info GET /${name} 400 ${id}`,
      ]);
    }
    expect(run.stdout).toMatch(/^ {2}Traceback \(most recent call last\):$/m);
    const times = shown.map(({ time }) => time);
    expect(times).toEqual([...times].sort());
    const asked = about(mark, shown).filter(({ service }) => service === "nginx");
    expect(asked.map(({ text }) => text.split(" ")[1])).toEqual(probes.map((name) => `/${name}`));

    const [looked, found] = seen.stdout.trim().split("\n").map(Number);
    expect(looked).toBeGreaterThan(0);
    expect(found).toBe(0);
    expect(run.stdall).not.toContain("canary-logs");
  });

  test("filters by --service, --level and --query", async () => {
    const [grave = [], second = [], own = []] = (
      await Promise.all([
        logs("--service=app", "--level=warn"),
        logs("--service=nginx", `--query=|= "${probes[1]}"`),
        logs(`--query={service_name="app"} | path="/${probes[2]}"`),
      ])
    ).map(linesOf);
    expect(about(mark, grave).map(({ level }) => level)).toEqual(probes.map(() => "error"));
    expect(grave.filter(({ service, level }) => service !== "app" || level === "info")).toEqual([]);
    expect(second.map(({ text }) => text.split(" ")[1])).toEqual([`/${probes[1]}`]);
    expect(own.map(({ text }) => text.split(" ")[0])).toEqual(["request"]);
  });

  test("rejects an invalid --since or --query in one line", async () => {
    const since = /^Error: --since "yesterday": give a number and s, m, h or d, such as 1h$/;
    const query =
      /^FAILED: the log store rejects the query \{.*\} timeout: parse error at line 1, col \d+: .*IDENTIFIER$/;
    for (const [run, words] of [
      [refused, since],
      [await logs("--query=timeout"), query],
    ] as const) {
      expect(run.exitCode).toBe(1);
      expect(run.stdout).toBe("");
      expect(
        run.stderr.split("\n").filter((line) => words.test(line)),
        run.stderr,
      ).toHaveLength(1);
      expect(run.stderr).not.toMatch(/^\s+at /m);
    }
  });

  test("prints new lines with --follow, each once, until it is interrupted", async () => {
    const running = caller.start("logs", "logs", "--since=5m", "--service=nginx", "--follow");
    const said: Buffer[] = [];
    for (const stream of [running.stdout, running.stderr]) stream.on("data", (chunk) => said.push(chunk));
    const times = (name: string): number => Buffer.concat(said).toString().split(`GET /${name} `).length - 1;
    await vm.until(async () => times(probes[4] ?? "") > 0, "the lines before");
    await ask(`${mark}-followed`);
    await vm.until(async () => times(`${mark}-followed`) > 0, "the line of a request", 8);
    // Another look at least, which finds it again.
    await sleep(5000);
    process.kill(-(running.pid as number), "SIGINT");
    const run = await running;
    expect(run.exitCode).toBe(130);
    for (const name of [...probes, `${mark}-followed`]) expect(times(name), name).toBe(1);
    await vm.until(async () => (await leftovers()) === "", "the end of what ran on the machine", 10);
  });
});

describe("site logs, if the log store does not respond,", () => {
  test("reads Docker's files on the machine, and gives the reason first", async () => {
    await vm.must("docker stop --time 1 store");
    const run = await logs("--service=nginx");
    expect(run.exitCode, lastLines(run)).toBe(0);
    expect(run.stdout).toMatch(
      /^# from the files on the machine: the log store does not respond: .*(resolve|connect).*; --query/,
    );
    for (const name of probes)
      expect(run.stdout.split("\n").filter((line) => line.includes(`"/${name}"`))).toHaveLength(1);
  });

  test("reports that the store denies access, and reads the files", async () => {
    await store.serve("Bearer another");
    const run = await logs("--service=nginx", "--limit=5");
    expect(run.exitCode, lastLines(run)).toBe(0);
    expect(run.stdout).toMatch(
      /^# from the files on the machine: the log store responds with status 401: no access with this Authorization;/,
    );
    expect(run.stdout.trim().split("\n")).toHaveLength(6);
  });

  test("works without a collector: a release without the profile removes it", async () => {
    const run = await vm.deploy({ image: good });
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toContain("collector is not part of this release: removing it");
    expect((await vm.stackline("status")).stdout).not.toContain("collector");
    await store.stop();
    expect(await leftovers()).toBe("");
  });
});
