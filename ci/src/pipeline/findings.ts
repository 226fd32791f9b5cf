/** The part of grype's JSON report that decides. */
export interface Report {
  matches: readonly {
    vulnerability: { id: string; severity: string; fix: { state: string; versions: readonly string[] } };
    artifact: Artifact & { name: string; version: string };
  }[];
}

/** The part of syft's JSON that tells one package from another. */
export interface Packages {
  artifacts: readonly Artifact[];
}

interface Artifact {
  purl: string;
  locations: readonly { path: string }[];
}

/** What a scan found, by what follows from it. */
export interface Findings {
  /** Critical or high, with a fix, in what stands above the base image: a line each. */
  blocking: string[];
  /** As severe and fixable, but in the base image: another base image mends them. */
  inBase: string[];
  /** How many others there are: less severe, or without a fix. */
  others: number;
}

const grave = ["Critical", "High"];

/**
 * Sorts what a scan found. A package belongs to the base image if it has the same package in the same place.
 * @param report of the whole image
 * @param base packages of the image that it is built on
 */
export function sortFindings(report: Report, base: Packages): Findings {
  const known = new Set(base.artifacts.map(identity));
  const findings: Findings = { blocking: [], inBase: [], others: 0 };
  for (const { vulnerability, artifact } of report.matches) {
    const { id, severity, fix } = vulnerability;
    if (!grave.includes(severity) || fix.state !== "fixed") {
      findings.others += 1;
      continue;
    }
    const line = `${severity.toLowerCase()}: ${artifact.name} ${artifact.version}, ${id}, fixed in ${fix.versions.join(", ")}`;
    (known.has(identity(artifact)) ? findings.inBase : findings.blocking).push(line);
  }
  return { ...findings, blocking: findings.blocking.sort(), inBase: findings.inBase.sort() };
}

const identity = ({ purl, locations }: Artifact): string => `${purl} ${locations[0]?.path}`;

/** The findings as people read them. */
export function describeFindings({ blocking, inBase, others }: Findings): string {
  return [
    ...blocking,
    `${blocking.length} fixable critical or high in what the application adds to its base image`,
    `${inBase.length} fixable critical or high in the base image${inBase.length > 0 ? ", mended by a newer one:" : ""}`,
    ...inBase.map((line) => `  ${line}`),
    `${others} others: less severe, or not fixed yet`,
    "",
  ].join("\n");
}
