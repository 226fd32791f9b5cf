import type { Published } from "./registry.js";
import { compareVersions, formatVersion, parseVersion, requireVersion } from "./semver.js";

/** Tags that follow a version, and why others stay. */
export interface Moves {
  tags: string[];
  notes: string[];
}

/**
 * The tags that move to a version: those that the registry does not have yet, or has at the same or an older version.
 * @param found what the registry has, by tag.
 * @param back whether tags move to an older version as well.
 */
export function chooseMoves(
  version: string,
  tags: readonly string[],
  found: ReadonlyMap<string, Pick<Published, "version">>,
  back: boolean,
): Moves {
  const reasons = tags.map((tag): [string, string] => {
    const current = found.get(tag);
    return [tag, current && !back ? reasonToStay(version, current.version) : ""];
  });
  return {
    tags: reasons.filter(([, reason]) => reason === "").map(([tag]) => tag),
    notes: reasons
      .filter(([, reason]) => reason !== "")
      .map(([tag, reason]) => `the tag ${tag} stays: ${reason}; --move-back moves it`),
  };
}

function reasonToStay(version: string, label: string): string {
  const [next, current] = [requireVersion(version), parseVersion(label)];
  if (!current)
    return "its image does not name its version (label org.opencontainers.image.version) and may be newer";
  if (compareVersions(next, current) >= 0) return "";
  return `it is at ${formatVersion(current)}, which is newer than ${formatVersion(next)}`;
}
