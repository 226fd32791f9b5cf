/** @module-tag slow */

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Load } from "./load.ts";
import { type Delivery, directory, sleep, Vm } from "./machine.ts";

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

beforeAll(() => load.start(vm.shared.address, 50));
afterAll(() => load.stop());

const database = `docker exec -i $(docker ps -q --filter label=com.docker.compose.service=postgres) sh -c 'PGDATABASE=$(cat /run/secrets/POSTGRES_DB) exec psql -U postgres -XAtq'`;
const sql = (text: string): Promise<string> => vm.must(`${database} <<'SQL'\n${text}\nSQL`);

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
    expect(deployed.sent).toBeGreaterThan(500);
    expect([deployed.reasons, back.reasons]).toEqual([{}, {}]);
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
    await load.begin("fault");
    const run = await vm.deploy(delivery);
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
  test("restores rows that were deleted since, and retains the replaced database", async () => {
    await sql("INSERT INTO kept VALUES ('to be deleted')");
    expect((await vm.stackline("backup")).exitCode).toBe(0);
    const newest = await newestBackup();
    await sql("DELETE FROM kept");
    const run = await vm.stackline(`restore ${newest}`);
    expect(run.exitCode, run.stdout).toBe(0);
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
