import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const host = fileURLToPath(new URL("../scripts/host", import.meta.url));
const SECRET = "canary pass'word";

/** Runs what a container would run, here: what is tested are the scripts around it. */
const DOCKER = `#!/bin/sh
case $1 in
  ps) echo 0123456789ab ;;
  exec) shift 2; [ "$1" != /opt/docker/entrypoint ] || shift; exec "$@" ;;
  run) [ ! -e "$SITE/no-run" ] && exec python3 -IS "$SITE/releases/one/host/lib/redact.py" "$SITE/secrets" ;;
  compose) case " $* " in *" up "*) exit 1 ;; *' config '*) printf 'services:\\n  postgres:\\n    image: postgres\\n' ;; esac ;;
esac
`;

let site = "";
beforeEach(() => {
  site = mkdtempSync(join(tmpdir(), "stackline-history-"));
  mkdirSync(join(site, "releases/one"), { recursive: true });
  mkdirSync(join(site, "live/nginx/maintenance"), { recursive: true });
  mkdirSync(join(site, "secrets/app-1"), { recursive: true });
  cpSync(host, join(site, "releases/one/host"), { recursive: true });
  writeFileSync(join(site, "releases/one/release.env"), "APP_IMAGE=example\n");
  writeFileSync(join(site, "releases/one/docker-compose.prod.yml"), "");
  writeFileSync(join(site, "releases/one/deployed"), "");
  writeFileSync(join(site, "releases/one/by"), "ann\n");
  symlinkSync("releases/one", join(site, "current"));
  writeFileSync(join(site, "secrets/app-1/POSTGRES_PASSWORD"), `${SECRET}\n`);
  mkdirSync(join(site, "bin"));
  writeFileSync(join(site, "bin/docker"), DOCKER, { mode: 0o755 });
});
afterEach(() => rmSync(site, { recursive: true }));

const environment = () => ({ ...process.env, SITE: site, PATH: `${site}/bin:${process.env.PATH}` });
const words = (...args: string[]) => [join(site, "releases/one/host/stackline"), ...args];
const call = (...args: string[]) =>
  spawnSync("bash", words(...args), { env: environment(), encoding: "utf8" });

/** The lines of the history, without the columns of times. */
function history(): string[] {
  const file = join(site, "history.tsv");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trim().split("\n").slice(1);
  return lines.map((line) => {
    const [, action, subject, , by, , outcome, , reason] = line.split("\t");
    return [action, subject, by, outcome, reason].join(" | ");
  });
}

describe("the history", () => {
  test("tells who ran a command in a container, which, and how it ended", () => {
    expect(call("exec", "app", "echo", "two words")).toMatchObject({ status: 0, stdout: "two words\n" });
    expect(call("exec", "app", "sh", "-c", "exit 3").status).toBe(3);
    expect(history()).toEqual([
      "exec | app | ann | ok | echo 'two words'",
      "exec | app | ann | failed | exit code 3: sh -c 'exit 3'",
    ]);
  });

  test("tells of the maintenance page", () => {
    for (const state of ["on", "off"]) expect(call("maintenance", state).status).toBe(0);
    expect(history()).toEqual(["maintenance | on | ann | ok | -", "maintenance | off | ann | ok | -"]);
  });

  test("tells of compose, except where it only reads", () => {
    for (const line of ["restart redis", "ps", "logs --tail 5 app", "-f other.yml ps"])
      expect(call("compose", ...line.split(" ")).status).toBe(0);
    expect(history()).toEqual([
      "compose | - | ann | ok | restart redis",
      "compose | - | ann | ok | -f other.yml ps",
    ]);
  });

  test("tells of an unlock that failed", () => {
    writeFileSync(join(site, "lock"), "deploy\tbob\t2026-01-01T00:00:00Z\trun-1\n");
    expect(call("unlock").status).toBe(1);
    expect(history()).toEqual([
      expect.stringMatching(/^unlock \| run-1 \| ann \| failed \| the data services cannot be started/),
    ]);
  });

  test("tells of a call that was killed", async () => {
    const running = spawn("bash", words("exec", "app", "sh", "-c", "echo ready; sleep 30"), {
      env: environment(),
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = new Promise((resolve) => running.on("exit", resolve));
    await new Promise((resolve) => running.stdout?.once("data", resolve));
    process.kill(-(running.pid ?? 0), "SIGTERM");
    expect(await ended).toBe(143);
    expect(history()).toEqual(["exec | app | ann | failed | exit code 143: sh -c 'echo ready; sleep 30'"]);
  });

  test("does not tell of calls that change nothing", () => {
    expect(call("exec", "app").status).toBe(1);
    expect(call("maintenance", "up").status).toBe(1);
    for (const line of ["history", "backups"]) expect(call(line).status).toBe(0);
    expect(history()).toEqual([]);
  });

  test("shows no secret, and no words at all if the secrets cannot be read", () => {
    const command = ["exec", "app", "echo", `x_${SECRET}`, "--token", "abc"];
    expect(call(...command).stdout).toContain(SECRET);
    writeFileSync(join(site, "no-run"), "");
    expect(call(...command).status).toBe(0);
    expect(history()).toEqual([
      "exec | app | ann | ok | echo 'x_***' --token ***",
      "exec | app | ann | ok | (its 4 words are not recorded: the secrets that they may contain could not be read)",
    ]);
  });
});
