import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const host = fileURLToPath(new URL("../scripts/host", import.meta.url));

/** Runs functions of the scripts on the machine, with a program `docker` of the test's own. */
function run(line: string, docker = "#!/bin/sh\n") {
  const folder = temporaryFolder();
  for (const path of ["bin", "backups/.getting.1", "runs/one"])
    mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, "bin/docker"), docker, { mode: 0o755 });
  writeFileSync(join(folder, "backups/one.dump"), "x".repeat(3_000_000));
  writeFileSync(join(folder, "backups/.getting.1/two.dump"), "part");
  writeFileSync(join(folder, "backups/zero.dump.part"), "part");
  const script = `
    set -euo pipefail
    here=$1 directory=$2 id=one
    for part in say settings paths compose run lock history preflight database locks migrate load exchange restore nginx status; do . "$here/lib/$part.sh"; done
    ${line}`;
  const env = { ...process.env, PATH: `${folder}/bin:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync("bash", ["-c", script, "bash", host, folder], {
    encoding: "utf8",
    env,
  });
  return { status, output: stdout + stderr, backups: () => readdirSync(join(folder, "backups")).sort() };
}

test("a download in progress is no backup", () => {
  expect(run("list_backups; backup_files | wc -l").output).toMatch(/^one {2}\d+ KiB {2}\S+ \S+\n1\n$/);
});

test("a backup removes what a killed one left", () => {
  const { output, backups } = run(
    'database_name() { echo shop; }; watching() { shift 5; echo dump >"$1"; }; make_backup new',
  );
  expect(output).toMatch(/^backup new/);
  expect(backups()).toEqual([".getting.1", "new.dump", "new.dump.sha256", "one.dump"]);
});

test("the status says when Docker does not respond", () => {
  const { status, output } = run(
    "docker_patience=1 release=x; current_release() { echo releases/x; }; show_status",
    "#!/bin/sh\nexec sleep 60\n",
  );
  expect(status, output).toBe(0);
  expect(output).toMatch(/Docker does not respond within 1 s: 'systemctl status docker'/);
});

test.each([
  ["the current database is large", 5000, 900],
  ["the backup is", 1, 13],
])("a restore for which the disk is too small is refused before anything is loaded: %s", (_, size, free) => {
  const { status, output } = run(`disk_least=0
    in_database() { printf 'Filesystem\\nx x x %s\\n' ${free}; }
    database_name() { echo shop; }
    query() { echo ${size}; }
    check_space one`);
  expect(status).not.toBe(0);
  expect(output).toMatch(
    /^FAILED: the new database needs about (5000|14) MB beside the current one, and (900|13) MB are free/,
  );
});
