/** @module-tag slow */

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { $ } from "zx";
import { createPostgres } from "./postgres-container.ts";
import { root, scratchFolder } from "./support.ts";

const directory = scratchFolder();
const project = `stackline-restore-${process.pid}`;
const role = "Canary User";
const database = 'Shop "db"';
const quiet = $({ quiet: true, nothrow: true });
let server: Docker.Container;

beforeAll(async () => {
  const secrets = join(directory, "secrets");
  for (const folder of ["secrets", "runs/test", "backups"])
    mkdirSync(join(directory, folder), { recursive: true });
  const values = { POSTGRES_DB: database, POSTGRES_USER: role, POSTGRES_PASSWORD: `"pw'\\04` };
  for (const [name, value] of Object.entries(values)) writeFileSync(join(secrets, name), value);
  for (const folder of [directory, secrets]) chmodSync(folder, 0o755);
  const labels = { project, service: "postgres", oneoff: "False" };
  server = await createPostgres(
    secrets,
    Object.fromEntries(Object.entries(labels).map(([name, value]) => [`com.docker.compose.${name}`, value])),
  );
  await server.start();
  await vi.waitUntil(async () => (await inServer(["pg_isready", "--host=127.0.0.1"])).exitCode === 0, {
    timeout: 60_000,
  });
  await sql(readFileSync(join(import.meta.dirname, "restore.sql"), "utf8"));
});

afterAll(() => server?.remove({ force: true, v: true }));

const inServer = (words: string[], input = "", env: string[] = []) =>
  $({ quiet: true, nothrow: true, input })`docker exec -i ${env} ${server.id} ${words}`;

/** As the superuser. */
async function sql(text: string, name = database): Promise<string> {
  const words = ["psql", "-U", "postgres", "-XAtq", "-v", "ON_ERROR_STOP=1"];
  const run = await inServer(words, text, ["-e", `PGDATABASE=${name}`]);
  if (run.exitCode !== 0) throw new Error(run.stdall);
  return run.stdout.trim();
}

/** Runs functions of scripts/host. */
async function host(line: string): Promise<{ exitCode: number | null; output: string }> {
  const run = await quiet`bash ${[
    "-c",
    `
    set -euo pipefail
    here=${root}scripts/host directory=${directory}
    for part in say settings paths compose run lock history database locks migrate load exchange restore; do source $here/lib/$part.sh; done
    project=${project} id=test
    # Needs the application's image.
    redacted() { cat; }
    ${line}`,
  ]}`;
  return { exitCode: run.exitCode, output: run.stdall };
}

/** What a database contains, without what differs from run to run. */
async function contents(name: string): Promise<string> {
  const { stdout } = await inServer(["pg_dump", "-U", "postgres"], "", ["-e", `PGDATABASE=${name}`]);
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, "");
}

const roles = () =>
  sql(
    "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1",
  );
const databases = () => sql("SELECT datname FROM pg_database ORDER BY 1");
const traces = async () => (await inServer(["sh", "-c", "ls /tmp | grep gained"])).stdout;

describe("a backup", () => {
  test("is loaded with everything in it, and what it contains gains no rights", async () => {
    const before = await roles();
    const made = await host("make_backup whole");
    expect(made.exitCode, made.output).toBe(0);
    const { exitCode, output } = await host("load_backup whole restoring_1");
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/public\.parted_1 +2 rows/);
    expect(output).toMatch(/public\.hidden +3 rows/);
    expect(await contents("restoring_1")).toBe(await contents(database));
    expect(await roles()).toBe(before);
    expect(await traces()).toBe("");
  });

  test("that a superuser loads would gain rights: the attack of this test works", async () => {
    await sql("CREATE DATABASE unguarded", "postgres");
    const words = ["pg_restore", "-U", "postgres", "--dbname=unguarded"];
    await $({
      quiet: true,
      nothrow: true,
      input: readFileSync(join(directory, "backups/whole.dump")),
    })`docker exec -i ${server.id} ${words}`;
    expect(await roles()).toContain(`${role}|t|`);
    expect(await traces()).toBe("gained\n");
    await sql(`ALTER ROLE "${role}" NOSUPERUSER;\nDROP ROLE gained;\nDROP DATABASE unguarded`, "postgres");
    await inServer(["rm", "/tmp/gained"]);
  });

  test("gets the rights, settings, limit and comment of the database that it replaces", async () => {
    const of = (name: string) =>
      sql(
        `SELECT datacl, datconnlimit, datdba::regrole, shobj_description(oid, 'pg_database'),
          (SELECT array_agg((setrole, setconfig) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = pg_database.oid)
        FROM pg_database WHERE datname = $$${name}$$`,
        "postgres",
      );
    const expected = await of(database);
    expect(expected).toContain("reader=c/");
    expect(expected).toContain("statement_timeout=30s");
    expect(await of("restoring_1")).toBe(expected);
    expect(await of("restoring_1")).toContain("DROP/**/ROLE");
  });

  test("leaves no names behind outside of the database", async () => {
    expect((await quiet`find ${directory}/runs -name contents*`).stdout).toBe("");
    expect((await inServer(["sh", "-c", "ls /tmp"])).stdout).toBe("");
  });

  test("is loaded without event triggers and publications, which it reports", async () => {
    await sql(`CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      CREATE EVENT TRIGGER "every ddl" ON ddl_command_end EXECUTE FUNCTION on_ddl();
      CREATE PUBLICATION everything FOR ALL TABLES;`);
    const { exitCode, output } = await host("make_backup more; load_backup more restoring_1");
    await sql('DROP EVENT TRIGGER "every ddl"; DROP FUNCTION on_ddl; DROP PUBLICATION everything');
    expect(exitCode, output).toBe(0);
    expect(output).toContain("left out, because a superuser has to create it: 1 EVENT TRIGGER\n");
    expect(output).toContain("left out, because a superuser has to create it: 1 PUBLICATION\n");
  });

  test("reports the privileges that it cannot grant because a role is missing", async () => {
    await sql("CREATE ROLE passing; GRANT SELECT ON empty TO passing");
    await host("make_backup passing");
    await sql("REVOKE ALL ON empty FROM passing; DROP ROLE passing");
    const { exitCode, output } = await host("load_backup passing restoring_1");
    expect(exitCode, output).toBe(0);
    expect(output).toContain('not granted as in the backup: role "passing" does not exist');
  });

  test("does not give an object that was changed since to its other owner", async () => {
    await sql(
      `CREATE OR REPLACE FUNCTION of_other() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'`,
    );
    const { exitCode, output } = await host("load_backup whole restoring_1");
    expect(exitCode, output).toBe(0);
    expect(output).toContain("routine public.of_other() belongs to the application now");
    expect(await sql("SELECT proowner::regrole FROM pg_proc WHERE proname = 'of_other'", "restoring_1")).toBe(
      `"${role}"`,
    );
  });

  test("with an extension that only a superuser can create needs it in the current database", async () => {
    await sql("DROP EXTENSION dblink");
    const { exitCode, output } = await host("load_backup whole restoring_1");
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(
      /FAILED: the backup has the extension dblink, .*run CREATE EXTENSION in the current database/,
    );
    await sql("CREATE EXTENSION dblink");
  });

  test("of thousands of tables is loaded", async () => {
    await sql(`SET SESSION AUTHORIZATION "${role}";
      DO $$ BEGIN
        FOR s IN 1..200 LOOP
          EXECUTE 'CREATE SCHEMA tenant_' || s;
          FOR t IN 1..30 LOOP EXECUTE 'CREATE TABLE tenant_' || s || '.t' || t || ' (id int)'; END LOOP;
        END LOOP;
      END $$`);
    const { exitCode, output } = await host("make_backup many; load_backup many restoring_1");
    expect(exitCode, output.slice(-2000)).toBe(0);
    expect(output).toMatch(/tenant_200\.t30 +0 rows/);
  }, 600_000);
});

/** Sessions of psql that stay until the function ends them. */
function session(text: string, env: string[] = [], seconds = 60) {
  const words = ["timeout", String(seconds), "psql", "-U", "postgres", "-XAtq"];
  const names = ["-e", `PGDATABASE=${database}`, ...env];
  return $({ quiet: true, nothrow: true, input: text })`docker exec -i ${names} ${server.id} ${words}`;
}

const until = (condition: string) =>
  vi.waitUntil(async () => (await sql(`SELECT ${condition}`, "postgres")) === "t", { timeout: 30_000 });
const asleep = (name: string) =>
  until(
    `EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${name}' AND query LIKE '%pg_sleep%' AND state = 'active')`,
  );
const endSessions = (name: string) =>
  sql(
    `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '${name}'`,
    "postgres",
  );

describe("a lock that something else holds", () => {
  // A row, for which the holder sleeps.
  beforeAll(() => sql("CREATE TABLE busy AS SELECT 0 AS id"));
  afterEach(() => endSessions("report"));

  async function hold(statement: string): Promise<void> {
    const text = `BEGIN;\n${statement};\nSELECT pg_sleep(60), 'canary-literal';\n`;
    void session(text, ["-e", "PGAPPNAME=report"]).then(() => undefined);
    await asleep("report");
  }

  test("is waited for shortly, and its holder is named without the values in its query", async () => {
    await hold("LOCK TABLE busy IN ACCESS SHARE MODE");
    const { output } = await host(`watched=${directory}/runs/test/watched
      waiting() { docker exec -i -e "PGAPPNAME=stackline migrate" -e "PGDATABASE=$(database_name)" -e "PGOPTIONS=-c lock_timeout=2s" \
        ${server.id} psql -U postgres -c 'ALTER TABLE busy ADD COLUMN note text'; }
      watching "$(database_name)" "stackline migrate" 2 '' waiting || waited_for`);
    expect(output).toContain("canceling statement due to lock timeout");
    expect(output).toMatch(
      /^a lock on public\.busy, held by pid \d+ \(user postgres, application report, client on the server itself, in its transaction for \d+ s, active\): SELECT pg_sleep\(60\), '\.\.\.'$/m,
    );
    expect(output).not.toContain("canary-literal");
  });

  test("is given up after a while if others wait behind the migration, whatever its settings are", async () => {
    await hold("LOCK TABLE busy IN ACCESS SHARE MODE");
    const { output } = await host(`watched=${directory}/runs/test/watched
      waiting() { docker exec -i -e "PGAPPNAME=stackline migrate" -e "PGDATABASE=$(database_name)" ${server.id} \
        timeout 50 psql -U postgres -c 'ALTER TABLE busy ADD COLUMN note text'; }
      visitor() { sleep 1; docker exec -i -e "PGDATABASE=$(database_name)" ${server.id} psql -U postgres -Atc "SELECT 'served' FROM (SELECT count(*) FROM busy) AS rows"; }
      visitor &
      watching "$(database_name)" "stackline migrate" 1 '' waiting || true
      wait
      cat "$watched"`);
    expect(output).toContain("canceling statement due to user request");
    expect(output).toMatch(/^served$/m);
    expect(output).toMatch(/^cancelled$/m);
    await asleep("report");
  });

  test("leaves an invalid index behind, which is found", async () => {
    await hold("INSERT INTO busy VALUES (1)");
    const { output } = await host(`watched=${directory}/runs/test/watched
      waiting() { await_watcher; docker exec -i -e "PGDATABASE=$(database_name)" -e "PGOPTIONS=-c lock_timeout=1s" ${server.id} \
        psql -U postgres -c 'CREATE INDEX CONCURRENTLY busy_id ON busy (id)'; }
      watching "$(database_name)" "stackline migrate" 2 '' waiting || new_indexes`);
    expect(output).toMatch(/^public\.busy_id public\.busy$/m);
    await endSessions("report");
    await sql("DROP INDEX busy_id");
  });

  test("ends a backup after a while, and the error names its holder", async () => {
    await hold("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE");
    const { exitCode, output } = await host("backup_lock_patience=2\nmake_backup waiting");
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(
      /FAILED: the database cannot be dumped: pg_dump waited longer than 2 s for a lock on public\.busy, held by pid \d+ \(user postgres, application report/,
    );
    expect(existsSync(join(directory, "backups/waiting.dump.part"))).toBe(false);
  });
});

describe("an exchange of databases", () => {
  const oid = (name: string) => sql(`SELECT oid FROM pg_database WHERE datname = $$${name}$$`, "postgres");

  /** @param kept Addresses whose sessions are the application's. */
  const exchange = (kept = "") =>
    host(`addresses='${kept}' apps=() said=${directory}/runs/test/said
      : >"$said"
      renew_workers() { echo renewed; ${ended}; }
      rename_databases "$(database_name)" other aside
      cat "$said"`);
  const ended = `query postgres "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'kept'" >/dev/null </dev/null`;

  beforeEach(() => sql("CREATE DATABASE other", "postgres"));
  afterEach(async () => {
    await sql(`DROP DATABASE IF EXISTS other WITH (FORCE)`, "postgres");
    if ((await oid("aside")) !== "")
      await sql(
        `DROP DATABASE "${database.replaceAll('"', '""')}" WITH (FORCE);\nALTER DATABASE aside RENAME TO "${database.replaceAll('"', '""')}"`,
        "postgres",
      );
  });

  test("ends the sessions that are left, reports them, and takes place although clients connect again at once", async () => {
    const [before, other] = [await oid(database), await oid("other")];
    void session("SELECT pg_sleep(50);\n", ["-e", "PGAPPNAME=left over"]).then(() => undefined);
    await asleep("left over");
    const again = `i=0; while [ $((i += 1)) -lt 300 ]; do psql -U postgres -XAtqc 'SELECT pg_sleep(0.2)'; done`;
    const words = ["timeout", "30", "sh", "-c", again];
    const busy = $({
      quiet: true,
      nothrow: true,
    })`docker exec -e ${`PGDATABASE=${database}`} ${server.id} ${words}`;
    const { exitCode, output } = await exchange();
    busy.kill();
    expect(exitCode, output).toBe(0);
    expect(output).toContain("left over, client on the server itself, active\n");
    expect([await oid("aside"), await oid(database)]).toEqual([before, other]);
  });

  test("waits until the application has given up the sessions that it keeps between requests", async () => {
    const tcp = ["-e", "PGAPPNAME=kept", "-e", "PGHOST=127.0.0.1", "-e", `PGUSER=${role}`];
    const words = ["psql", "-XAtq"];
    const names = ["-e", `PGDATABASE=${database}`, "-e", `PGPASSWORD="pw'\\04`, ...tcp];
    const kept = $({
      quiet: true,
      nothrow: true,
      input: "SELECT pg_sleep(50);\n",
    })`docker exec -i ${names} ${server.id} ${words}`;
    void kept.then(() => undefined);
    await asleep("kept");
    const other = await oid("other");
    const { exitCode, output } = await exchange("127.0.0.1");
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/^renewed$/m);
    expect(output).not.toContain("kept,");
    expect(await oid(database)).toBe(other);
  });
});

describe("a forged backup", () => {
  beforeAll(() => host("drop_copies"));

  test.each([
    `ALTER ROLE "${role}" SUPERUSER`,
    "COPY (SELECT 1) TO PROGRAM 'echo >/tmp/gained'",
    `DROP DATABASE "Shop ""db""" WITH (FORCE)`,
    "SET ROLE postgres",
    "RESET SESSION AUTHORIZATION; ALTER SYSTEM SET work_mem = '1MB'",
    `CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION public.planted()`,
    "DO $$ BEGIN RESET ROLE; CREATE ROLE gained SUPERUSER; END $$",
  ])("is refused by the server: %s", async (statement) => {
    const before = [await roles(), await databases()];
    const dump = readFileSync(join(directory, "backups/whole.dump"), "latin1");
    const forged = dump.replace(/COMMENT ON TABLE public\.trap IS '(x+)';/, (found) =>
      `${statement}; --`.padEnd(found.length),
    );
    expect(forged).not.toBe(dump);
    writeFileSync(join(directory, "backups/forged.dump"), forged, "latin1");
    const { exitCode, output } = await host(
      "lock_held=yes\ntrap drop_failed_copy EXIT\nload_backup forged restoring_2",
    );
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(/ERROR: +(must be|permission denied|cannot be|ALTER SYSTEM cannot)/);
    expect(output).toMatch(/FAILED: backup forged cannot be loaded by a role without rights/);
    expect([await roles(), await databases()]).toEqual(before);
    expect(await traces()).toBe("");
  });
});
