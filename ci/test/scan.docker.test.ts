/** @module-tag slow */

import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { $ } from "zx";
import { provideImage } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";
import { dagger, docker, root, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");

/** The packages that the application pins, by normalised name, with their version. */
function pinned(): [name: string, version: string][] {
  const text = readFileSync(join(root, "app", "requirements.txt"), "utf8");
  const names = [...text.matchAll(/^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)/gm)];
  return names.map(([, name = "", version = ""]) => [plain(name), version]);
}

const plain = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");

describe("call sbom", () => {
  test("lists every package that the application pins, and Debian's, in SPDX", async () => {
    const file = join(folder, "sbom.spdx.json");
    const run = await dagger(cache, "call", "sbom", "-o", file);
    expect(run.exitCode, run.end).toBe(0);
    const bill = JSON.parse(readFileSync(file, "utf8")) as {
      spdxVersion: string;
      packages: { name: string; versionInfo: string }[];
    };
    expect(bill.spdxVersion).toMatch(/^SPDX-2\.\d$/);
    const listed = new Set(bill.packages.map(({ name, versionInfo }) => `${plain(name)} ${versionInfo}`));
    const wanted = pinned();
    expect(wanted.map(([name]) => name)).toContain("django");
    expect(wanted.filter(([name, version]) => !listed.has(`${name} ${version}`))).toEqual([]);
    expect(bill.packages.some(({ name }) => name === "libc6")).toBe(true);
  });

  test("lists them in CycloneDX", async () => {
    const file = join(folder, "sbom.cdx.json");
    const run = await dagger(cache, "call", "sbom", "--format=cyclonedx", "-o", file);
    expect(run.exitCode, run.end).toBe(0);
    const bill = JSON.parse(readFileSync(file, "utf8")) as {
      bomFormat: string;
      components: { name: string; purl?: string }[];
    };
    expect(bill.bomFormat).toBe("CycloneDX");
    expect(bill.components.map(({ purl }) => purl)).toContainEqual(
      expect.stringMatching(/^pkg:pypi\/django@\d/),
    );
  });

  test("lists the valid formats for an unknown one", async () => {
    const run = await dagger(cache, "call", "sbom", "--format=xml");
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain('"xml" is not a format of sbom: use spdx or cyclonedx');
  });
});

/** A grype database made from the statements in fixtures/ and from additional ones. */
async function makeDatabase(name: string, statements: string): Promise<string> {
  cpSync(
    fileURLToPath(new URL("./fixtures/vulnerabilities.sql", import.meta.url)),
    join(folder, "known.sql"),
  );
  const script = `import sqlite3; d = sqlite3.connect("/made/${name}"); d.executescript(open("/made/known.sql").read()); d.executescript(${JSON.stringify(statements)})`;
  await $({
    quiet: true,
  })`docker run --rm --network none -v ${folder}:/made ${images.python} python3 -c ${script}`;
  return join(folder, name);
}

describe("call scan", () => {
  beforeAll(async () => {
    await provideImage(docker, images.python, () => undefined);
  });

  test("fails for a fixable critical one that the application adds, and separates those of the base image", async () => {
    const database = await makeDatabase("both.db", "");
    const run = await dagger(cache, "call", "scan", `--database=${database}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(/Error: critical: django [\d.]+, GHSA-in-django, fixed in 99\n1 fixable/);
    expect(run.end).toMatch(/in the base image, fixed by a newer one:\n {2}critical: libc/);
  });

  test("passes when only the base image has one", async () => {
    const database = await makeDatabase("base.db", "DELETE FROM packages WHERE name = 'django'");
    const run = await dagger(cache, "call", "scan", `--database=${database}`);
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toMatch(/^0 fixable critical or high in what the application adds/);
    expect(run.stdout).toMatch(/critical: libc6 .*CVE-in-libc, fixed in 99/);
  });

  test("rejects an outdated database", async () => {
    const database = await makeDatabase(
      "old.db",
      "UPDATE db_metadata SET build_timestamp = '2020-01-01 00:00:00+00:00'",
    );
    const run = await dagger(cache, "call", "scan", `--database=${database}`);
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(/the vulnerability database was built .* ago/);
  });

  const isAway = fetch("https://grype.anchore.io/databases/v6/latest.json").then(
    () => false,
    () => true,
  );

  test("fails if no database is available", async ({ skip }) => {
    if (!(await isAway)) skip("this machine reaches the database");
    const run = await dagger(cache, "call", "scan");
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(
      /nothing was scanned: there is no vulnerability database \(unable to update .*\)\. Give/,
    );
  });

  test("succeeds without a database only with --allow-no-database, and says that nothing was scanned", async ({
    skip,
  }) => {
    if (!(await isAway)) skip("this machine reaches the database");
    const run = await dagger(cache, "call", "scan", "--allow-no-database");
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toMatch(/^nothing was scanned: there is no vulnerability database/);
  });
});
