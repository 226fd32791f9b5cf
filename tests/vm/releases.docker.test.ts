/** @module-tag slow */

import { once } from "node:events";
import { appendFileSync } from "node:fs";
import http, { type ClientRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Load } from "./load.ts";
import { canaries, type Delivery, directory, sleep, Vm } from "./machine.ts";

const vm = new Vm(inject("vm"));
const {
  good = "",
  better = "",
  advanced = "",
  unhealthy = "",
  unmigratable = "",
  red = "",
} = vm.shared.releases;
const load = new Load();

beforeAll(() => load.start(vm.shared.address, 20));
afterAll(() => load.stop());

const database = `docker exec -i $(docker ps -q --filter label=com.docker.compose.service=postgres) sh -c 'PGDATABASE=$(cat /run/secrets/POSTGRES_DB) exec psql -U postgres -XAtq'`;
const sql = (text: string): Promise<string> => vm.must(`${database} <<'SQL'\n${text}\nSQL`);

/** The ids of a service's running containers. */
const running = async (service: string): Promise<string[]> =>
  (await vm.must(`docker ps -q --filter label=com.docker.compose.service=${service}`))
    .split("\n")
    .filter(Boolean);

/** Starts a task that goes on until its worker has the file /tmp/end, and returns its id. */
async function task(): Promise<string> {
  const code = `from devops_001.celery import app; print("id", app.send_task("test.rest").id)`;
  const container = (await running("app"))[0];
  const said = await vm.must(`docker exec ${container} /opt/docker/entrypoint python -c '${code}'`);
  const id = /^id (\S+)$/m.exec(said)?.[1] ?? "";
  await vm.until(
    async () =>
      (
        await vm.must(`docker logs $(docker ps -q --filter label=com.docker.compose.service=worker) 2>&1`)
      ).includes(id),
    "the task",
  );
  return id;
}

/** What the newest run has printed. */
const log = (): Promise<string> => vm.must(`cat $(ls -d ${directory}/runs/* | sort | tail -n 1)/log`);

/** An upload that goes on, byte by byte, until it is told to end. */
class Upload {
  private readonly request: ClientRequest;
  private readonly timer: NodeJS.Timeout;
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
    const options = { host: vm.shared.address, path: "/test/upload", method: "POST" };
    this.request = http.request({ ...options, headers: { "Content-Length": bytes } });
    this.timer = setInterval(() => this.send(1), 500);
  }

  /** Status and text of the answer. */
  async end(): Promise<string> {
    clearInterval(this.timer);
    const answered = once(this.request, "response");
    this.send(this.left);
    this.request.end();
    const [response] = (await answered) as [IncomingMessage];
    return `${response.statusCode} ${await text(response)}`;
  }

  private send(bytes: number): void {
    this.left -= bytes;
    this.request.write("x".repeat(bytes));
  }
}

const read = async (path: string): Promise<string> =>
  (await fetch(`http://${vm.shared.address}${path}`)).text();

describe("a new release", () => {
  test("is deployed within 60 s and rolled back within 30 s, without a failed request under load", async () => {
    await load.begin("deploy");
    const deploy = await vm.deploy({ image: better });
    expect(deploy.exitCode, deploy.stdout).toBe(0);
    const deployed = await load.count("deploy");
    await load.begin("rollback");
    const rollback = await vm.stackline("rollback");
    expect(rollback.exitCode, rollback.stdout).toBe(0);
    const back = await load.count("rollback");
    console.log(
      `deploy: ${deployed.sent} requests, ${deployed.failed} failed; rollback: ${back.sent}, ${back.failed}`,
    );
    console.log(
      [deploy, rollback].map(({ stdout }) => /release \S+ serves, after .*/.exec(stdout)?.[0]).join("\n"),
    );
    expect(deployed.sent).toBeGreaterThan(300);
    expect([deployed.reasons, back.reasons]).toEqual([{}, {}]);
  });

  test("replaces the old without cutting off requests that began before", async () => {
    const [old = ""] = await running("app");
    const upload = new Upload(200_000);
    const events = read("/test/events");
    await sleep(1000);
    const deploy = vm.deploy({ image: good, requestGrace: 600 });
    await vm.until(async () => / left to the old containers: 1, /.test(await log()), "the wait", 300);
    await vm.must(`docker exec ${old} touch /tmp/end`);
    const run = await deploy;
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).not.toContain("cut off");
    expect(await events).toMatch(/data: end\n\n$/);
    // It ends after the old containers, which it was meant for.
    expect(await running("app")).not.toContain(old);
    expect(await upload.end()).toBe("200 200000");
  });

  test("cuts off what lasts longer than requestGrace, and says so", async () => {
    const events = read("/test/events").catch((problem: Error) => problem.message);
    await sleep(1000);
    const run = await vm.deploy({ image: better, requestGrace: 5 });
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toMatch(/connections to the old containers that are cut off: 1, after 5 s/);
    expect(await events).not.toMatch(/data: end/);
  });

  test("waits for running tasks, which the old worker finishes while the new one takes the next", async () => {
    const id = await task();
    const [old = ""] = await running("worker");
    const deploy = vm.deploy({ image: good, taskGrace: 600 });
    await vm.until(async () => / old worker finishes its tasks, /.test(await log()), "the wait", 300);
    expect(await running("worker")).toHaveLength(2);
    await vm.must(`docker exec ${old} touch /tmp/end`);
    const run = await deploy;
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toMatch(
      new RegExp(`old worker finishes its tasks, \\d+ s of at most 600: test\\.rest \\(${id}, \\d+ s\\)`),
    );
    expect(run.stdout).not.toContain("interrupted");
    expect(await running("worker")).toHaveLength(1);
    expect(await running("worker")).not.toContain(old);
    expect((await vm.lastRecord()).reason).toBe("-");
  });

  test("names the tasks that it interrupts after taskGrace, in the output and in the history", async () => {
    const id = await task();
    const run = await vm.deploy({ image: better, taskGrace: 5 });
    expect(run.exitCode, run.stdout).toBe(0);
    expect(run.stdout).toMatch(
      new RegExp(`interrupted after 5 s \\(taskGrace\\): test\\.rest \\(${id}, \\d+ s\\)`),
    );
    expect(await vm.lastRecord()).toMatchObject({
      outcome: "ok",
      reason: expect.stringMatching(new RegExp(`^interrupted test\\.rest \\(${id}, `)),
    });
  });

  test("restarts no container if nothing has changed", async () => {
    expect((await vm.deploy({ image: good })).exitCode).toBe(0);
    const ids = "docker ps -q --no-trunc | sort";
    const before = await vm.must(ids);
    const run = await vm.deploy({ image: good });
    expect(run.stdout).toContain("nothing has changed");
    expect(run.exitCode).toBe(0);
    expect(await vm.must(ids)).toBe(before);
  });

  test("applies a change of nginx's configuration", async () => {
    await load.begin("configuration");
    const run = await vm.deploy({
      image: good,
      change: (folder) => {
        appendTemplate("add_header X-Changed yes always;\n")(folder);
        appendFileSync(join(folder, "nginx/nginx.conf"), "# changed\n");
      },
    });
    expect(run.exitCode, run.stdout).toBe(0);
    expect(
      (await fetch(`http://${vm.shared.address}/`, { redirect: "manual" })).headers.get("x-changed"),
    ).toBe("yes");
    const nginx = "$(docker ps -q --filter label=com.docker.compose.service=nginx)";
    expect(await vm.must(`docker exec ${nginx} tail -n 1 /etc/nginx/nginx.conf`)).toBe("# changed\n");
    expect(run.stdout).toContain("nginx reloaded");
    expect((await load.count("configuration")).reasons).toEqual({});
  });

  test("can be rolled back although the earlier image has been removed from the machine", async () => {
    const before = good;
    expect((await vm.deploy({ image: better })).exitCode).toBe(0);
    await vm.must(
      `docker image rm -f $(docker images -q --no-trunc ${before.split("@")[0]} --filter label=release=good); ! docker image inspect ${before} 2>/dev/null`,
    );
    const run = await vm.stackline("rollback");
    expect(run.stdout).toContain(`pulling ${before}`);
    expect(run.exitCode, run.stdout).toBe(0);
  });
});

describe("a rollback", () => {
  test("does not select a release that was rolled back before, even with minimal retention", async () => {
    const serving = () => vm.must(`basename "$(readlink -f ${directory}/current)"`);
    const before = await serving();
    const again = await vm.deploy({ image: better, keepReleases: 2 });
    expect(again.exitCode, again.stdout).toBe(0);
    expect(await serving()).not.toBe(before);
    const run = await vm.stackline("rollback");
    expect(run.exitCode, run.stdout).toBe(0);
    expect(await serving()).toBe(before);
  });
});

const appendTemplate = (text: string) => (folder: string) =>
  appendFileSync(join(folder, "nginx/templates/parts/headers.conf.template"), text);

interface Fault {
  name: string;
  delivery: Delivery;
  /** In the output: what failed, and what the one at fault says. */
  says: RegExp[];
}

const faults: Fault[] = [
  {
    name: "is never healthy",
    delivery: { image: unhealthy },
    says: [/not healthy/, /the settings are nonsense: \*\*\*$/m],
  },
  {
    name: "has a migration that fails",
    delivery: { image: unmigratable },
    says: [/migration failed/, /this migration is broken/],
  },
  {
    name: "has a red /checks",
    delivery: { image: red },
    says: [/\/checks is not green/, /FAIL PostgreSQL/, /last lines of/],
  },
  {
    name: "has a missing image",
    delivery: { image: `localhost:5000/app@sha256:${"0".repeat(64)}` },
    says: [/cannot be pulled: .*(not found|unknown)/],
  },
  {
    name: "has a broken nginx template",
    delivery: { image: better, change: appendTemplate("no_such_directive on;\n") },
    says: [/does not accept/, /no_such_directive/],
  },
  {
    name: "has a compose file that is none",
    delivery: {
      image: better,
      change: (folder) => appendFileSync(join(folder, "docker-compose.prod.yml"), "services: nonsense\n"),
    },
    says: [/docker-compose.prod.yml is not valid/],
  },
];

describe("a release that", () => {
  test.each(faults)("$name leaves the previous release serving", async ({ delivery, says }) => {
    await sql("CREATE TABLE IF NOT EXISTS kept (word text); INSERT INTO kept VALUES ('before')");
    const before = await vm.current();
    const rows = await sql("SELECT count(*) FROM kept");
    const leftovers = `ls -A ${directory}/secrets; docker image ls --digests --no-trunc --format '{{.Repository}}:{{.Tag}} {{.Digest}} {{.ID}}' | sort; docker volume ls -q`;
    const used = await vm.must(leftovers);
    await load.begin("fault");
    const run = await vm.deploy(delivery);
    // Some deploys fail within two seconds; visitors shall notice nothing after it either.
    await sleep(2000);
    const count = await load.count("fault");

    expect(run.exitCode, run.stdout).not.toBe(0);
    for (const words of says) expect(run.stdout).toMatch(words);
    expect(count.sent).toBeGreaterThan(50);
    expect(count.reasons).toEqual({});
    expect(await vm.current()).toBe(before);
    expect(await sql("SELECT count(*) FROM kept")).toBe(rows);
    expect((await vm.lastRecord()).outcome).toBe("failed");
    expect((await vm.stackline("status")).stdout).toMatch(/lock +free/);
    expect(await vm.checks()).not.toContain("FAIL");
    expect(await vm.must(`ls ${directory}/releases -A | grep -c incoming || true`)).toBe("0\n");
    expect(await vm.must(leftovers)).toBe(used);
  });
});

describe("a migration", () => {
  test("that waits for a lock behind a long read fails shortly and names its holder, and no visitor notices", async () => {
    const before = await vm.current();
    const read = `${database.replace("exec -i", "exec -i -e PGAPPNAME=report")} <<'SQL'
      BEGIN; SELECT count(*) FROM orders_order; SELECT pg_sleep(600), 'canary-literal', '${canaries.API_TOKEN}';
SQL`;
    const reading = vm.sh(read);
    await vm.until(
      async () =>
        (await sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'report'")) === "1\n",
      "the long read",
    );
    await load.begin("lock");
    let ended = false;
    const visits = (async () => {
      const counts = new Set<string>();
      for (; !ended; await sleep(300))
        counts.add(await sql("SET statement_timeout = '20s'; SELECT count(*) FROM orders_order"));
      return [...counts];
    })();
    const run = await vm.deploy({ image: advanced, environment: { migrationTries: 2 } });
    const count = await load.count("lock");
    ended = true;
    expect(await visits).toEqual([expect.stringMatching(/^\d+\n$/)]);
    const end =
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'report' AND state = 'active'";
    // The read itself was not disturbed.
    expect(await sql(end)).toBe("1\n");
    await reading;

    expect(run.exitCode, run.stdout).not.toBe(0);
    const waited =
      /the migration orders\.0900_note waited too long for a lock on public\.orders_order, held by pid \d+ \(user postgres, application report, client on the server itself, in its transaction for \d+ s, active\): SELECT pg_sleep\(600\)/;
    expect(run.stdout).toMatch(new RegExp(`^${waited.source}.*; trying again in 1 s \\(2 of 2\\)$`, "m"));
    expect(run.stdout).toMatch(new RegExp(`^FAILED: ${waited.source}`, "m"));
    expect(run.stdout).not.toContain("canary");
    expect(count.reasons).toEqual({});
    expect(count.maintenance).toBe(0);
    expect(await vm.current()).toBe(before);
    expect((await vm.lastRecord()).reason).toMatch(waited);
    expect(await vm.checks()).not.toContain("FAIL");
  });
});

async function newestBackup(): Promise<string> {
  return (await vm.stackline("backups")).stdout.trim().split("\n").at(-1)?.split(" ")[0] ?? "";
}

/** More simultaneous requests for a slow page than the application has workers. */
class Queue {
  /** How often each status came, "maintenance" for the maintenance page. */
  readonly answers: Record<string, number> = {};
  private ended = false;
  private readonly clients: Promise<void>[];

  constructor(url: string, clients: number) {
    this.clients = Array.from({ length: clients }, () => this.ask(url));
  }

  async end(): Promise<void> {
    this.ended = true;
    await Promise.all(this.clients);
  }

  private async ask(url: string): Promise<void> {
    while (!this.ended) {
      const answer = await fetch(url);
      await answer.text();
      const name = answer.status === 503 ? "maintenance" : String(answer.status);
      this.answers[name] = (this.answers[name] ?? 0) + 1;
      if (name === "maintenance") await sleep(200);
    }
  }
}

describe("a backup", () => {
  test("restores rows that were deleted since, closes the site for a moment, and retains the replaced database", async () => {
    await sql("INSERT INTO kept VALUES ('to be deleted')");
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    const newest = await newestBackup();
    await sql("DELETE FROM kept");
    const apps =
      "docker inspect --format '{{.Id}} {{.State.StartedAt}}' $(docker ps -q --filter label=com.docker.compose.service=app)";
    const before = await vm.must(apps);
    await load.begin("restore");
    const began = Date.now();
    const run = await vm.stackline(`restore ${newest}`);
    const seconds = (Date.now() - began) / 1000;
    const count = await load.count("restore");
    expect(run.exitCode, run.stdout).toBe(0);
    const closed = Number(/the site was closed for (\S+) s/.exec(run.stdout)?.[1]);
    console.log(
      `restore: closed for ${closed} of ${seconds} s; ${count.sent} requests, ${count.maintenance} maintenance`,
    );
    // 1 to 3 s on a calm machine. On a busy one everything takes longer, so compared with the whole.
    expect(closed).toBeLessThan(0.4 * seconds);
    expect(count.maintenance).toBeGreaterThan(0);
    // The application keeps sessions between requests (CONN_MAX_AGE): none of them fails a request.
    expect(count.reasons).toEqual({});
    expect(await vm.must(apps)).toBe(before);
    expect(Number(await sql("SELECT count(*) FROM kept WHERE word = 'to be deleted'"))).toBe(1);
    expect(await sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'replaced_%'")).toBe("1\n");
    expect(await vm.checks()).not.toContain("FAIL");
  });

  test("is restored without refusing the requests that wait for a worker when it closes the site", async () => {
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    const queue = new Queue(`http://${vm.shared.address}/rehearsal/slow`, 20);
    try {
      const run = await vm.stackline(`restore ${await newestBackup()}`);
      expect(run.exitCode, run.stdout).toBe(0);
    } finally {
      await queue.end();
    }
    expect(queue.answers).toEqual({ "200": expect.any(Number), maintenance: expect.any(Number) });
  });

  test("is refused if it is damaged, and the database is unchanged", async () => {
    const newest = await newestBackup();
    await vm.must(
      `chmod u+w ${directory}/backups/${newest}.dump; echo rot >>${directory}/backups/${newest}.dump`,
    );
    const run = await vm.stackline(`restore ${newest}`);
    expect(run.exitCode).not.toBe(0);
    expect(run.stdout).toContain(`backup ${newest} is damaged`);
    await vm.must(`rm ${directory}/backups/${newest}.dump*`);
  });

  test("is migrated to the schema of the release before it replaces the database", async () => {
    const columns = () =>
      sql(
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders_order' AND column_name = 'note'",
      );
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    const earlier = await newestBackup();
    const deploy = await vm.deploy({ image: advanced });
    expect(deploy.exitCode, deploy.stdout).toBe(0);
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    const later = await newestBackup();
    const restore = await vm.stackline(`restore ${earlier}`);
    expect(restore.exitCode, restore.stdout).toBe(0);
    expect(await columns()).toBe("1\n");

    expect((await vm.stackline("rollback")).exitCode).toBe(0);
    // The release that was rolled back to works with the newer schema.
    const same = await vm.stackline(`restore ${later}`);
    expect(same.exitCode, same.stdout).toBe(0);
    expect((await vm.stackline(`restore ${earlier}`)).exitCode).toBe(0);
    expect(await columns()).toBe("0\n");
    const refused = await vm.stackline(`restore ${later}`);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stdout).toMatch(
      /FAILED: backup \S+ is newer than release \S+, which lacks the migration orders\.0900_note: deploy the release/,
    );
    expect(await columns()).toBe("0\n");
    expect(await sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'restoring_%'")).toBe("0\n");
    expect(await sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'restoring_%'")).toBe("0\n");
    expect(await vm.checks()).not.toContain("FAIL");
  }, 600_000);

  test("gives what it contains no rights, in a drill or a restore", async () => {
    await sql(`\\set role \`cat /run/secrets/POSTGRES_USER\`
      SET SESSION AUTHORIZATION :"role";
      CREATE FUNCTION planted(x int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        BEGIN EXECUTE 'ALTER ROLE ' || quote_ident(session_user) || ' SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''echo >/tmp/gained'''; EXCEPTION WHEN OTHERS THEN NULL; END;
        BEGIN EXECUTE 'CREATE ROLE gained SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
        RETURN true;
      END $$;
      CREATE TABLE trap (x int CHECK (planted(x))) PARTITION BY LIST (x);
      CREATE TABLE trap_1 PARTITION OF trap FOR VALUES IN (1);
      INSERT INTO trap VALUES (1);`);
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    const traces = "docker exec $(docker ps -q --filter label=com.docker.compose.service=postgres) ls /tmp";
    for (const action of ["restore-drill", `restore ${await newestBackup()}`]) {
      const run = await vm.stackline(action);
      expect(run.exitCode, run.stdout).toBe(0);
      expect(run.stdout).toMatch(/public\.trap_1 +1 rows/);
      expect(await sql("SELECT rolname FROM pg_roles WHERE rolsuper")).toBe("postgres\n");
      expect(await vm.must(traces)).not.toContain("gained");
      expect(await sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'restoring_%'")).toBe("0\n");
    }
    expect(await sql("SELECT x FROM trap")).toBe("1\n");
    await sql("DROP TABLE trap; DROP FUNCTION planted");
  });

  test("is verified by a restore drill, which counts its rows", async () => {
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    const run = await vm.stackline("restore-drill");
    expect(run.stdout).toMatch(/public\.django_migrations +[1-9]\d* rows/);
    expect(run.stdout).toMatch(/backup \S+ can be restored/);
    expect(await sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'restoring_%'")).toBe("0\n");
  });
});
