import { type Container, type Directory, dag, type File, ReturnType } from "@dagger.io/dagger";
import { buildImage } from "../stack/image.js";
import { images } from "../versions.js";
import { describeFindings, type Packages, type Report, sortFindings } from "./findings.js";
import { listPackages } from "./sbom.js";

/** What a scan works with. */
export interface ScanOptions {
  /** grype's vulnerability.db, or an archive of it; without one it is downloaded. */
  database: File | undefined;
  /** Whether no database is a result like another. */
  allowNoDatabase: boolean;
}

/**
 * Looks for known vulnerabilities in the production image.
 * @returns what was found, when none of it has to stop a release.
 * @throws Error for fixable critical or high ones that the application adds, and when there was no database to look in.
 */
export async function scanImage(app: Directory, options: ScanOptions): Promise<string> {
  const { scanner, problem } = await withDatabase(options.database);
  if (problem !== "") {
    const text = `nothing was scanned: there is no vulnerability database (${problem})`;
    if (options.allowNoDatabase) return `${text}\n`;
    throw new Error(`${text}. Give one with --database=FILE, or go on without with --allow-no-database`);
  }
  const base = dag.container().from(images.python);
  const [report, packages] = await Promise.all([
    readReport(scanner, listPackages(buildImage(app, "runtime"), "syft")),
    listPackages(base, "syft").contents(),
  ]);
  const findings = sortFindings(report, JSON.parse(packages) as Packages);
  if (findings.blocking.length > 0) throw new Error(describeFindings(findings).trimEnd());
  return describeFindings(findings);
}

async function readReport(scanner: Container, packages: File): Promise<Report> {
  const scanned = scanner
    .withMountedFile("/tmp/sbom.json", packages)
    .withExec(["/grype", "sbom:/tmp/sbom.json", "--output", "json", "--file", "/tmp/report.json"]);
  return JSON.parse(await scanned.file("/tmp/report.json").contents()) as Report;
}

interface Equipped {
  scanner: Container;
  /** Why there is no database, or "". */
  problem: string;
}

/** grype with a database: the given one, else the newest, else one that an earlier run has left and that is not too old. */
async function withDatabase(database: File | undefined): Promise<Equipped> {
  const scanner = dag
    .container()
    .from(images.grype)
    .withEnvVariable("GRYPE_DB_CACHE_DIR", "/tmp/grype")
    .withEnvVariable("GRYPE_DB_AUTO_UPDATE", "false")
    .withEnvVariable("GRYPE_CHECK_FOR_APP_UPDATE", "false");
  if (database) {
    const name = `/tmp/${await database.name()}`;
    return {
      scanner: scanner.withMountedFile(name, database).withExec(["/grype", "db", "import", name]),
      problem: "",
    };
  }
  const updated = scanner
    .withMountedCache("/tmp/grype", dag.cacheVolume("grype"))
    // What is newest is another answer every time.
    .withEnvVariable("ASKED_AT", new Date().toISOString())
    .withExec(["/grype", "db", "update"], { expect: ReturnType.Any });
  const usable = updated.withExec(["/grype", "db", "status"], { expect: ReturnType.Any });
  const problem = (await usable.exitCode()) === 0 ? "" : lastLine(await updated.combinedOutput());
  return { scanner: usable, problem };
}

/** The last line that says anything, without colours and the time in front. */
function lastLine(output: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
  const lines = output.replace(/\u001b\[[\d;]*m/g, "").split("\n");
  const last = lines.filter((line) => line.trim() !== "").at(-1) ?? "no reason given";
  return last.replace(/^\[\d+\]\s+ERROR\s+/, "").trim();
}
