import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const host = fileURLToPath(new URL("../scripts/host", import.meta.url));

/** One try: what the migration says, how it ends, and what the database knows of it meanwhile. */
interface Try {
  said?: string;
  code: number;
  watched?: string[];
}

const applying = "  Applying orders.0900_note...";
const locked = `${applying}psycopg2.errors.LockNotAvailable: canceling statement due to lock timeout`;
const holder =
  "waits\ta lock on public.orders_order\tpid 77 (user shop, application report, client 10.0.0.9)";

/** Runs `migrate` with these tries in place of containers; the last one repeats. */
function migrate(tries: Try[], { notAtomic = "", settings = "" } = {}) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "runs/one"), { recursive: true });
  writeFileSync(join(folder, "release.env"), settings);
  for (const [at, { said = "", watched = [], code }] of tries.entries()) {
    writeFileSync(join(folder, `said${at + 1}`), said);
    writeFileSync(join(folder, `watched${at + 1}`), watched.map((line) => `${line}\n`).join(""));
    writeFileSync(join(folder, `code${at + 1}`), String(code));
  }
  const script = `
    set -euo pipefail
    folder=$1 here=$2 runs=$1/runs id=one project=test
    for part in say settings run locks migrate; do . "$here/lib/$part.sh"; done
    redacted() { cat; }
    sleep() { :; }
    database_name() { echo shop; }
    asked=0
    watching() {
      local last=$asked
      asked=$((asked + 1))
      [ -e "$folder/code$asked" ] || for part in said code watched; do cp "$folder/$part$last" "$folder/$part$asked"; done
      cp "$folder/watched$asked" "$watched"
      said=$(cat "$folder/said$asked")
      return "$(cat "$folder/code$asked")"
    }
    run_migrate() { echo "${notAtomic}"; }
    migrate "$folder"`;
  const { status, stderr } = spawnSync("bash", ["-c", script, "bash", folder, host], { encoding: "utf8" });
  const log = join(folder, "runs/one/log");
  return { status, stderr, announced: existsSync(log) ? readFileSync(log, "utf8") : "" };
}

describe("a migration", () => {
  test("that waited too long for a lock is tried again, and each try names the holder", () => {
    const run = migrate([{ said: locked, code: 1, watched: [holder] }, { code: 0 }]);
    expect(run.status, run.stderr).toBe(0);
    expect(run.announced).toBe(
      "the migration orders.0900_note waited too long for a lock on public.orders_order, held by pid 77 (user shop, application report, client 10.0.0.9); trying again in 1 s (2 of 6)\n",
    );
  });

  test("that never gets its lock fails after a bounded number of tries", () => {
    const settings = "STACKLINE_MIGRATION_TRIES=3\nSTACKLINE_LOCK_TIMEOUT=5\n";
    const run = migrate([{ said: locked, code: 1, watched: [holder] }], { settings });
    expect(run.status).toBe(1);
    expect(run.announced.trim().split("\n")).toHaveLength(2);
    expect(run.stderr).toMatch(
      /^FAILED: the migration orders\.0900_note waited too long for a lock on public\.orders_order, held by pid 77 \(.*\)\. Tries: 3, of 5 s each/,
    );
    expect(run.stderr.trim().split("\n")).toHaveLength(1);
  });

  test.each([
    `${applying}psycopg.errors.DeadlockDetected: deadlock detected`,
    `${applying} canceling statement due to user request`,
  ])("is tried again for each reason that a lock can have: %s", (said) => {
    expect(migrate([{ said, code: 1, watched: [holder, "cancelled"] }, { code: 0 }]).status).toBe(0);
  });

  test("that does not run in one transaction is not tried again, because it may have run partly", () => {
    const run = migrate([{ said: locked, code: 1 }, { code: 0 }], {
      notAtomic: "not atomic orders.0900_note",
    });
    expect(run.status).toBe(1);
    expect(run.announced).toBe("");
    expect(run.stderr).toMatch(
      /orders\.0900_note does not run in one transaction: see what it has done already/,
    );
  });

  test("that leaves an invalid index is not tried again, and the error names the index", () => {
    const watched = [
      "before\tpublic.old\tpublic.t",
      "after\tpublic.old\tpublic.t",
      "after\tpublic.by_name\tpublic.t",
    ];
    const run = migrate([{ said: locked, code: 1, watched }, { code: 0 }]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/it left the invalid index public\.by_name: drop it/);
    expect(run.announced).toMatch(/^index public\.by_name of public\.t is invalid.*DROP INDEX CONCURRENTLY/);
    expect(run.announced).not.toContain("public.old");
  });

  test("whose statement takes too long is not tried again, and the error names the setting", () => {
    const said = `${applying}django.db.utils.OperationalError: canceling statement due to statement timeout`;
    const run = migrate([{ said, code: 1 }, { code: 0 }], { settings: "STACKLINE_STATEMENT_TIMEOUT=600\n" });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(
      /orders\.0900_note has a statement that took longer than 600 s \(statementTimeout/,
    );
  });

  test("that fails for another reason is not tried again", () => {
    const run = migrate([{ said: `${applying}KeyError: 'x'`, code: 1 }, { code: 0 }]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^FAILED: the migration orders\.0900_note failed: see its output above/);
  });

  test("that succeeds although it left an invalid index is reported", () => {
    const run = migrate([{ code: 0, watched: ["after\tpublic.by_name\tpublic.t"] }]);
    expect(run.status, run.stderr).toBe(0);
    expect(run.announced).toContain("index public.by_name of public.t is invalid");
  });
});

test("a script finds its own names also where Django executes it among local ones", () => {
  const script =
    "names = ['a']\ndef first():\n    return names[0]\nprint([first() + name for name in names])\n";
  const shell = "import sys\ndef handle(command):\n    exec(command)\nhandle(sys.argv[1])";
  const line = `. "$1/lib/migrate.sh"; python3 -c "$2" "$(in_own_scope <<<"$3")"`;
  const run = spawnSync("bash", ["-euc", line, "bash", host, shell, script], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(run.stdout).toBe("['aa']\n");
});
