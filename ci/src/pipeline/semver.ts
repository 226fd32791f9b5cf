/** A version of Semantic Versioning 2.0.0: https://semver.org */
export interface Version {
  major: number;
  minor: number;
  patch: number;
  /** Identifiers of a pre-release; none for a release. */
  pre: readonly string[];
}

const whole = "(0|[1-9]\\d*)";

/** With the usual prefix `v` of Git tags. */
const semver = new RegExp(
  `^v?${whole}\\.${whole}\\.${whole}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z.-]+)?$`,
);

/** @returns undefined for text that is not a version. */
export function parseVersion(text: string): Version | undefined {
  const [found, major, minor, patch, pre] = semver.exec(text) ?? [];
  if (found === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), pre: pre?.split(".") ?? [] };
}

/** @throws Error for text that is not a version. */
export function requireVersion(text: string): Version {
  const version = parseVersion(text);
  if (!version) throw new Error(`${JSON.stringify(text)} is not a version: write it like v1.4.2`);
  return version;
}

/** "1.4.2" or "2.0.0-rc.1": without prefix and build metadata, as a tag cannot contain "+". */
export function formatVersion({ major, minor, patch, pre }: Version): string {
  return [`${major}.${minor}.${patch}`, ...(pre.length > 0 ? [pre.join(".")] : [])].join("-");
}

/** Precedence: negative if `a` is older than `b`, 0 if they are equal, positive if it is newer. */
export function compareVersions(a: Version, b: Version): number {
  const core = a.major - b.major || a.minor - b.minor || a.patch - b.patch;
  if (core !== 0) return core;
  // A pre-release is older than its release.
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  return comparePreReleases(a.pre, b.pre);
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  for (const [at, identifier] of a.entries()) {
    const other = b[at];
    const order = other === undefined ? 1 : compareIdentifiers(identifier, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers by value and before words; words by ASCII order. */
function compareIdentifiers(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [a, b].map((identifier) => /^\d+$/.test(identifier));
  if (isNumber && isOtherNumber) return Number(a) - Number(b);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
