import { type Container, dag, type File, ReturnType } from "@dagger.io/dagger";
import { type Application, buildImage } from "../stack/image.js";
import { images } from "../versions.js";
import { describeFindings, type Packages, type Report, sortFindings } from "./findings.js";
import { listPackages } from "./sbom.js";

export interface ScanOptions {
  /** grype's vulnerability.db or an archive of it; by default it is downloaded. */
  database: File | undefined;
  /** Whether to succeed without a database. */
  allowNoDatabase: boolean;
}

/**
 * Scans the production image for known vulnerabilities.
 * @returns the findings, if none of them must block a release.
 * @throws Error for fixable high or critical ones that the application adds to its base image, and without a database.
 */
export async function scanImage(application: Application, options: ScanOptions): Promise<string> {
  const { scanner, problem } = await withDatabase(options.database);
  if (problem !== "") {
    const text = `nothing was scanned: there is no vulnerability database (${problem})`;
    if (options.allowNoDatabase) return `${text}\n`;
    throw new Error(
      `${text}. Give one with --database=FILE, or continue without one with --allow-no-database`,
    );
  }
  const image = await buildImage(application, "runtime");
  const base = dag.container().from(images.python);
  const [report, packages] = await Promise.all([
    readReport(scanner, listPackages(image, "syft")),
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

interface PreparedScanner {
  scanner: Container;
  /** Why there is no database, or "". */
  problem: string;
}

/** grype with a database: the given one, else the newest, else one cached by an earlier run that is recent enough. */
async function withDatabase(database: File | undefined): Promise<PreparedScanner> {
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
    // The newest database differs from day to day: never take it from the cache.
    .withEnvVariable("UPDATED_AT", new Date().toISOString())
    .withExec(["/grype", "db", "update"], { expect: ReturnType.Any });
  const usable = updated.withExec(["/grype", "db", "status"], { expect: ReturnType.Any });
  const problem = (await usable.exitCode()) === 0 ? "" : lastLine(await updated.combinedOutput());
  return { scanner: usable, problem };
}

/** The last line that is not empty, without colours and timestamp. */
function lastLine(output: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence starts with one.
  const lines = output.replace(/\u001b\[[\d;]*m/g, "").split("\n");
  const last = lines.filter((line) => line.trim() !== "").at(-1) ?? "no reason given";
  return last.replace(/^\[\d+\]\s+ERROR\s+/, "").trim();
}
