import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../", import.meta.url));
const lib = join(root, "scripts/host/lib");

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stackline-rollout-"));
  for (const name of ["runs/one", "releases/old", "releases/new"])
    mkdirSync(join(folder, name), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs lines of bash with the scripts' functions, in a site without a container. */
function bash(lines: string): string {
  const script = `
    set -euo pipefail
    directory=$folder payload=$folder/releases/new releases=$folder/releases live=$folder/live runs=$folder/runs
    id=one release=$releases/new previous=$releases/old step_file=$folder/step
    current_release() { echo "$releases/old"; }
    for part in say settings compose definitions run app worker nginx rollout; do . "$lib/$part.sh"; done
    sleep() { command sleep "\${FAST:-0.02}"; }
    ${lines}`;
  const run = spawnSync("bash", ["-c", script], { encoding: "utf8", env: { ...process.env, folder, lib } });
  return `${run.stdout}${run.stderr}exit ${run.status}`;
}

const setting = (release: string, text: string): void =>
  writeFileSync(join(folder, "releases", release, "release.env"), text);

describe("the old web containers", () => {
  const connections = `
    containers() { echo nginx; }
    addresses_of() { echo 172.18.0.5; }
    # Each line of the file is what nginx shows once; the last one stays.
    docker() { head -n 1 "$folder/tcp"; [ "$(wc -l <"$folder/tcp")" = 1 ] || sed -i 1d "$folder/tcp"; }`;
  const open = (state: string) => `   1: 040012AC:D1F2 050012AC:1F40 ${state} 0`;

  test("go when nginx has no connection left to them, three times in a row", () => {
    writeFileSync(join(folder, "tcp"), `${[open("01"), "", open("02"), "", "", ""].join("\n")}\n`);
    expect(bash(`${connections}; drain old; wc -l <"$folder/tcp"`)).toBe("1\nexit 0");
  });

  test("go after requestGrace with what is open then, which the deploy says", () => {
    setting("new", "STACKLINE_REQUEST_GRACE=1\n");
    writeFileSync(join(folder, "tcp"), `${open("01")}\n`);
    expect(bash(`${connections}; drain old`)).toBe(
      "  connections to the old containers that are cut off: 1, after 1 s (requestGrace)\nexit 0",
    );
  });

  test("are waited for visibly", () => {
    setting("new", "STACKLINE_REQUEST_GRACE=4\n");
    writeFileSync(join(folder, "tcp"), `${open("01")}\n`);
    expect(bash(`${connections}; drain old`)).toContain(
      "  connections left to the old containers: 1, after 3 s of at most 4\n",
    );
  });
});

describe("the old worker", () => {
  const worker = `
    docker() {
      echo "docker $*" >>"$folder/calls"
      case $1 in
        inspect) [ -e "$folder/ended" ] && echo false || echo true ;;
        exec) printf 'orders.report 5f0c 12\\norders.mail 77aa 3\\n' ;;
        kill) [ "$3" != KILL ] || touch "$folder/ended" ;;
      esac
    }
    timeout() { shift; "$@"; }`;
  const calls = (): string => readFileSync(join(folder, "calls"), "utf8");

  test("is told to take no new task, and removed when it has ended", () => {
    expect(bash(`${worker}; dismiss old; touch "$folder/ended"; finish_tasks; interrupted`)).toBe("exit 0");
    expect(calls()).toMatch(/^docker kill --signal TERM old\n[\s\S]*docker rm --force old\n$/);
    expect(calls()).not.toContain("KILL");
  });

  test("has taskGrace to finish its tasks, and what is interrupted then is named", () => {
    setting("new", "STACKLINE_TASK_GRACE=1\n");
    const said = bash(`${worker}; dismiss old; finish_tasks; interrupted`);
    const tasks = "orders.report (5f0c, 12 s), orders.mail (77aa, 3 s)";
    expect(said).toContain(`  interrupted after 1 s (taskGrace): ${tasks}. Unless acks_late`);
    expect(said).toContain(`\ninterrupted ${tasks}\n`);
    expect(calls()).toMatch(/docker kill --signal KILL old\n[\s\S]*docker rm --force old\n$/);
  });

  test("is waited for visibly", () => {
    setting("new", "STACKLINE_TASK_GRACE=4\n");
    expect(bash(`${worker}; dismiss old; finish_tasks`)).toContain(
      "  the old worker finishes its tasks, 3 s of at most 4: orders.report (5f0c, 12 s), orders.mail",
    );
  });

  /** Containers of a site with a worker and beat; compose starts one more worker. */
  const site = `
    followers() { printf 'worker\\nbeat\\n'; }
    remove_dropped() { :; }
    containers() { case $* in worker\\ status=*) ;; worker) cat "$folder/workers" ;; beat) echo beat-1 ;; esac; }
    compose_of() { shift; echo "compose $*" >>"$folder/order"; [[ $* != *worker=2* ]] || echo new >>"$folder/workers"; }
    bring_up() { :; }
    wait_healthy() { echo "healthy: \${*:2}" >>"$folder/order"; }
    docker() { echo "docker $*" >>"$folder/order"; }
    echo old >"$folder/workers"; touch "$release/release.env"`;
  /** What happens outside of jobs that run beside. */
  const order = (): string[] =>
    readFileSync(join(folder, "order"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && line !== "healthy: beat-1");

  test("takes no new tasks once the new one is healthy, before the first request to the new release", () => {
    const said = bash(`${site}
      change_setting() { :; }
      slot_containers() { ! grep -q app= "$folder/order" 2>/dev/null || echo app-2; }
      for name in nginx_as_before wait_static other_slots; do eval "$name() { :; }"; done
      switch_to() { echo switch >>"$folder/order"; }
      verify() { echo verify >>"$folder/order"; }
      roll_out "$release"`);
    expect(said).toMatch(/exit 0$/);
    expect(order()).toEqual([
      "compose up -d --no-deps --no-recreate --scale app=1 --scale worker=2 app static worker",
      "healthy: app-2",
      "healthy: new",
      "docker kill --signal TERM old",
      "switch",
      "verify",
    ]);
  });

  test("is not dismissed if no new one was created", () => {
    const said = bash(`${site}; compose_of() { :; }; replace_followers "$release"`);
    expect(said).toMatch(/FAILED: no worker was created/);
    expect(said).toMatch(/exit 1$/);
  });

  test("serves until the new one is healthy, when what runs is not known", () => {
    expect(bash(`${site}; replace_followers "$release"`)).toMatch(/exit 0$/);
    expect(order()).toEqual([
      "compose up -d --no-deps --no-recreate --scale worker=2 worker",
      "healthy: new",
      "docker kill --signal TERM old",
    ]);
  });
});

describe("a container", () => {
  const docker = (check: string) => `
    docker() {
      case "$1 $3" in
        *RestartCount*) echo 0 ;;
        *State.Health.Status*) echo starting ;;
        *Healthcheck.Test*) printf '${check}' ;;
        exec*) shift 2; [ "$*" = "check it" ] ;;
      esac
    }
    timeout() { shift; "$@"; }
    explain() { echo "$1 is $2"; }`;

  test.each([["CMD\\x1fcheck\\x1fit\\x1f\\n"], ["CMD\\x1fcheck\\x1fit\\x1f"]])(
    "is healthy as soon as its check succeeds, before Docker first runs it (%j)",
    (check) => {
      expect(bash(`${docker(check)}; wait_healthy 30 app && echo healthy`)).toBe("healthy\nexit 0");
    },
  );

  test.each([
    [1, "starting"],
    [60, "healthy"],
  ])("without a check, that has run for %s s, is %s", (seconds, state) => {
    const since = new Date(Date.now() - seconds * 1000).toISOString();
    expect(bash(`docker() { echo "since ${since}"; }; health_of app`)).toBe(`${state}\nexit 0`);
  });

  test("is not healthy if its check fails", () => {
    expect(bash(`${docker("CMD\\x1ffail\\x1f")}; wait_healthy 1 app || echo no`)).toBe(
      "app is starting\nno\nexit 0",
    );
  });
});

describe("what a release does not change", () => {
  const config = (changes: Record<string, string> = {}): string => {
    const text = `services:
  app:
    environment: {A: app-1}
  nginx:
    image: nginx:1
  postgres:
    image: postgres:17
networks:
  front: {}
secrets:
  POSTGRES_DB:
    file: /srv/secrets/app-0a1b/POSTGRES_DB
  SERVER_POSTGRES_DB:
    file: /srv/secrets/postgres/POSTGRES_DB
`;
    return Object.entries(changes).reduce((all, [from, to]) => all.replace(from, to), text);
  };
  const same = (changes: Record<string, string>): string => {
    writeFileSync(join(folder, "releases/old/compose-config"), config());
    writeFileSync(join(folder, "releases/new/compose-config"), config(changes));
    const rendered = 'rendered() { cat "$1/compose-config"; }';
    return bash(`${rendered}; for name in nginx postgres; do ! same_definition $name || echo $name; done`);
  };

  test.each<[Record<string, string>, string]>([
    [{}, "nginx\npostgres\n"],
    [{ "app-1": "app-2", "app-0a1b": "app-2c3d" }, "nginx\npostgres\n"],
    [{ "nginx:1": "nginx:2" }, "postgres\n"],
    [{ "postgres:17": "postgres:18" }, "nginx\n"],
    [{ "secrets/postgres/": "secrets/other/" }, ""],
  ])("is neither tested nor started again: %j", (changes, unchanged) => {
    expect(same(changes)).toBe(`${unchanged}exit 0`);
  });

  test("is read from compose once: a release keeps it", () => {
    const lines = `
    known_version=2.40.0
    compose_of() { echo call >>"$folder/calls"; echo services:; }
    touch "$release/docker-compose.prod.yml"
    for slot in app-1 app-2; do echo "APP_SLOT=$slot" >"$release/release.env"; rendered "$release" | tail -n 1; done`;
    expect(bash(lines)).toBe("services:\nservices:\nexit 0");
    expect(readFileSync(join(folder, "calls"), "utf8")).toBe("call\n");
  });
});

test.each([
  ["before anything of it started: worker and beat stay", "followers_untouched=yes", ""],
  ["before the switch: its worker goes", "followers_untouched=yes rolling=yes", "dismissed new\n"],
  ["afterwards, or left by a run that was killed: both are replaced", "rolling=yes", "replaced\n"],
])("a release that is undone %s", (_, state, said) => {
  const lines = `
    for name in start_services start_app wait_app apply_nginx switch_to sync_services stop_apps other_slots finish_tasks say; do
      eval "$name() { :; }"
    done
    replace_followers() { echo replaced; }
    containers() { printf 'old\\nnew\\n'; }
    dismiss() { echo "dismissed $*"; }
    old_workers=(old) ${state}
    put_back "$previous"`;
  expect(bash(lines)).toBe(`${said}exit 0`);
});

test("the deploy prints the seconds of each step", () => {
  const said = bash('FAST=0.3; step one; sleep; step two "with words"; sleep; say_steps');
  expect(said).toMatch(/\nsteps: one 0\.\d s, two 0\.\d s\nexit 0$/);
});

test("the grace periods of the compose file are those of the environment", () => {
  const { services } = parse(readFileSync(join(root, "docker-compose.prod.yml"), "utf8"), { merge: true });
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: compose's own syntax
  expect(services.app.stop_grace_period).toBe("${STACKLINE_REQUEST_GRACE:-60}s");
  expect(services.app.environment.REQUEST_GRACE).toBe("${STACKLINE_REQUEST_GRACE:-60}");
  expect(services.worker.stop_grace_period).toBe("${STACKLINE_TASK_GRACE:-300}s");
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: compose's own syntax
});
