/** @module-tag slow */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { containers, eventually, exec, MINUTES, outcome } from "./containers.ts";

const IMAGE = "postgres:17-bookworm";
const { start } = containers();
const dir = mkdtempSync(join(tmpdir(), "stackline-test-"));
chmodSync(dir, 0o755); // read by user postgres in the container
afterAll(() => rmSync(dir, { recursive: true }));

const ready = ["pg_isready", "-h", "127.0.0.1", "-q"];

test(
  "initdb.d scripts of every kind run in order, and TCP connections need the password from the file",
  async () => {
    writeFileSync(join(dir, "10-table.sql"), "CREATE TABLE seen (by text); INSERT INTO seen VALUES ('sql');");
    writeFileSync(join(dir, "20-more.sql.gz"), gzipSync("INSERT INTO seen VALUES ('gz');"));
    const script = `psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "INSERT INTO seen VALUES ('sh')"`;
    writeFileSync(join(dir, "30-last.sh"), script);
    writeFileSync(join(dir, "password"), "not a 'simple' one\n");
    const database = await start(IMAGE, "database", {
      env: { POSTGRES_USER: "app", POSTGRES_DB: "shop", POSTGRES_PASSWORD_FILE: "/run/secrets/password" },
      command: ["postgres", "-c", "max_connections=42"],
      binds: [`${dir}:/docker-entrypoint-initdb.d:ro`, `${join(dir, "password")}:/run/secrets/password:ro`],
    });
    await eventually(database, ready);

    const client = await start(IMAGE, "client", { command: ["sleep", "60"] });
    const ask = (sql: string, password: string) =>
      exec(client, ["psql", "-h", "database", "-U", "app", "-d", "shop", "-Atc", sql], {
        PGPASSWORD: password,
      });
    const right = "not a 'simple' one";
    expect((await ask("SELECT string_agg(by, ' ') FROM seen", right)).output).toBe("sql gz sh\n");
    expect((await ask("SHOW max_connections", right)).output).toBe("42\n");
    expect((await ask("SELECT 1", "wrong")).output).toContain("password authentication failed");
    const method = "SELECT auth_method FROM pg_hba_file_rules WHERE address = 'all'";
    expect((await ask(method, right)).output).toBe("scram-sha-256\n");
    expect((await exec(database, ["stat", "-c", "%u:%g", "/var/lib/postgresql/data"])).output).toBe(
      "999:999\n",
    );
  },
  5 * MINUTES,
);

test(
  "without a password it refuses to start and says what to set",
  async () => {
    const { code, output } = await outcome(await start(IMAGE, "bare"));
    expect(code).toBe(1);
    expect(output).toContain("POSTGRES_PASSWORD");
  },
  5 * MINUTES,
);

test(
  "it starts as user postgres, with trust authentication and arguments for initdb",
  async () => {
    const database = await start(IMAGE, "trusting", {
      user: "postgres",
      env: { POSTGRES_HOST_AUTH_METHOD: "trust", POSTGRES_INITDB_ARGS: "--data-checksums --locale='C'" },
    });
    await eventually(database, ready);
    const { output } = await exec(database, ["psql", "-h", "127.0.0.1", "-Atc", "SHOW data_checksums"]);
    expect(output).toBe("on\n");
  },
  5 * MINUTES,
);

test(
  "a restart keeps the data and does not initialise again",
  async () => {
    const env = { POSTGRES_PASSWORD: "secret" };
    const database = await start(IMAGE, "kept", { env });
    await eventually(database, ready);
    await exec(database, ["psql", "-U", "postgres", "-c", "CREATE TABLE kept ()"]);
    await database.restart();
    await eventually(database, ready);
    expect(
      (await exec(database, ["psql", "-U", "postgres", "-Atc", "SELECT count(*) FROM kept"])).output,
    ).toBe("0\n");
  },
  5 * MINUTES,
);
