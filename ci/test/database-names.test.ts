import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { root } from "../../scripts/lib/module.ts";
import { parseSecrets } from "../src/site/secrets.ts";

const wrong: [database: string, user: string, message: RegExp][] = [
  ["postgres", "shop", /POSTGRES_DB is a name that PostgreSQL or a restore uses itself .*: choose another/],
  ["template0", "shop", /POSTGRES_DB is a name/],
  ["template1", "shop", /POSTGRES_DB is a name/],
  ["restoring_1", "shop", /POSTGRES_DB is a name/],
  ["replaced_1", "shop", /POSTGRES_DB is a name/],
  ["d".repeat(64), "shop", /POSTGRES_DB is longer than PostgreSQL's 63 bytes/],
  ["é".repeat(32), "shop", /POSTGRES_DB is longer/],
  ["shop", "postgres", /POSTGRES_USER is a name that PostgreSQL uses itself .*: choose another/],
  ["shop", "public", /POSTGRES_USER is a name/],
  ["shop", "none", /POSTGRES_USER is a name/],
  ["shop", "pg_shop", /POSTGRES_USER is a name/],
  ["shop", "u".repeat(64), /POSTGRES_USER is longer/],
];
const right: [database: string, user: string][] = [
  ["shop", "shop"],
  ["postgres2", "pgshop"],
  ["my-restoring_1", "Postgres"],
  ["d".repeat(63), "é".repeat(31)],
];

const lines = (database: string, user: string): string =>
  [`POSTGRES_DB=${database}`, `POSTGRES_USER=${user}`, "POSTGRES_PASSWORD=c", "SECRET_KEY=d", ""].join("\n");

/** Writes the two files, as a person would, and runs scripts/secrets on their folder. */
function byHand(database: string, user: string): { status: number | null; stderr: string; folder: string } {
  const folder = join(temporaryFolder(), "secrets");
  mkdirSync(folder);
  writeFileSync(join(folder, "POSTGRES_DB"), database);
  writeFileSync(join(folder, "POSTGRES_USER"), user);
  const { status, stderr } = spawnSync(join(root, "scripts/secrets"), [folder], { encoding: "utf8" });
  return { status, stderr, folder };
}

/** Runs the check of the scripts on the machine. */
function onMachine(database: string, user: string): { status: number | null; stderr: string } {
  const payload = temporaryFolder();
  const lib = join(root, "scripts/host/lib");
  execFileSync("sh", [join(root, "scripts/host/place-secrets"), join(payload, "secrets")], {
    input: lines(database, user),
  });
  const script = `payload=$1 secrets=$1/none directory=$1; for part in say settings names secrets; do . "$2/$part.sh"; done; check_secrets "$1"`;
  return spawnSync("bash", ["-euc", script, "bash", payload, lib], { encoding: "utf8" });
}

describe("names of the database and its user", () => {
  test.each(wrong)(
    "that PostgreSQL uses itself are refused before anything starts: %j, %j",
    (database, user, message) => {
      expect(() => parseSecrets(lines(database, user))).toThrow(message);
      const hand = byHand(database, user);
      expect(hand.status).not.toBe(0);
      expect(hand.stderr).toMatch(message);
      const machine = onMachine(database, user);
      expect(machine.status).not.toBe(0);
      expect(machine.stderr).toMatch(message);
      for (const { stderr } of [hand, machine]) expect(stderr.trim().split("\n")).toHaveLength(1);
    },
  );

  test.each(right)("of the application's own are accepted: %j, %j", (database, user) => {
    expect(parseSecrets(lines(database, user)).get("POSTGRES_DB")).toBe(database);
    const hand = byHand(database, user);
    expect(hand).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(hand.folder, "POSTGRES_USER"), "utf8")).toBe(user);
    expect(existsSync(join(hand.folder, "SECRET_KEY"))).toBe(true);
    expect(onMachine(database, user)).toMatchObject({ status: 0, stderr: "" });
  });
});
