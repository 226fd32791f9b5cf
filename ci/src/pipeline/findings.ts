/** The fields of grype's JSON report that are used. */
export interface Report {
  matches: readonly {
    vulnerability: { id: string; severity: string; fix: { state: string; versions: readonly string[] } };
    artifact: Artifact & { name: string; version: string };
  }[];
}

/** The fields of syft's JSON that identify a package. */
export interface Packages {
  artifacts: readonly Artifact[];
}

interface Artifact {
  purl: string;
  locations: readonly { path: string }[];
}

/** Findings of a scan, by their consequence. */
export interface Findings {
  /** Critical or high, with a fix, in layers above the base image: a line each. */
  blocking: string[];
  /** As severe and fixable, but in the base image: a newer base image fixes them. */
  inBase: string[];
  /** Number of the others: less severe, or without a fix. */
  others: number;
}

const severe = ["Critical", "High"];

/**
 * Classifies the findings. A package belongs to the base image if the base image has the same package at the same path.
 * @param report of the whole image
 * @param base packages of the base image
 */
export function sortFindings(report: Report, base: Packages): Findings {
  const known = new Set(base.artifacts.map(identity));
  const findings: Findings = { blocking: [], inBase: [], others: 0 };
  for (const { vulnerability, artifact } of report.matches) {
    const { id, severity, fix } = vulnerability;
    if (!severe.includes(severity) || fix.state !== "fixed") {
      findings.others += 1;
      continue;
    }
    const line = `${severity.toLowerCase()}: ${artifact.name} ${artifact.version}, ${id}, fixed in ${fix.versions.join(", ")}`;
    (known.has(identity(artifact)) ? findings.inBase : findings.blocking).push(line);
  }
  return { ...findings, blocking: findings.blocking.sort(), inBase: findings.inBase.sort() };
}

const identity = ({ purl, locations }: Artifact): string => `${purl} ${locations[0]?.path}`;

/** The findings as text. */
export function describeFindings({ blocking, inBase, others }: Findings): string {
  return [
    ...blocking,
    `${blocking.length} fixable critical or high in what the application adds to its base image`,
    `${inBase.length} fixable critical or high in the base image${inBase.length > 0 ? ", fixed by a newer one:" : ""}`,
    ...inBase.map((line) => `  ${line}`),
    `${others} others: less severe, or not fixed yet`,
    "",
  ].join("\n");
}
