import { suggestion } from "../../../engine/src/cli/suggest.ts";

/** How much of the tests a run takes, by how long they need; the tags `slow` and `release` in a test say so. */
export const tiers = {
  fast: "!slow && !release",
  slow: "slow && !release",
  release: "release",
} as const;

export type Tier = keyof typeof tiers;

/**
 * The groups in the order in which they start, two at a time. `app` fills the cache that `module` and `vm` use. `logs` comes
 * early: on a new machine it compiles the collector while others wait. Short groups come last and fill the gaps.
 */
export const groups = ["app", "logs", "module", "vm", "engine", "stack", "pure"] as const;

export type Group = (typeof groups)[number];

/** Groups without a test in a tier are left out of it. */
const absent: Partial<Record<Tier, readonly Group[]>> = {
  slow: ["pure", "app"],
  release: ["pure", "app", "stack", "logs"],
};

/** Groups that start a Docker daemon of their own, in namespaces that only root may create. */
const forRoot: Partial<Record<Tier, readonly Group[]>> = {
  fast: ["logs"],
  slow: ["logs", "stack"],
};

export function needsRoot(tier: Tier, group: Group): boolean {
  return forRoot[tier]?.includes(group) ?? false;
}

export interface Plan {
  tier: Tier;
  groups: Group[];
}

/**
 * Reads the command line of scripts/test: tiers and groups, in any order.
 * @throws Error that says which word is unknown, and which there are.
 */
export function parsePlans(words: readonly string[]): Plan[] {
  const unknown = words.find((word) => !isTier(word) && !isGroup(word));
  if (unknown !== undefined) throw new Error(describeUnknown(unknown));
  const asked = words.filter(isGroup);
  const chosen = words.filter(isTier);
  return (chosen.length > 0 ? chosen : (["fast"] as const)).map((tier) => ({
    tier,
    groups: groups.filter((group) =>
      asked.length > 0 ? asked.includes(group) : !absent[tier]?.includes(group),
    ),
  }));
}

const isTier = (word: string): word is Tier => word in tiers;
const isGroup = (word: string): word is Group => (groups as readonly string[]).includes(word);

function describeUnknown(word: string): string {
  const known = [...groups, ...Object.keys(tiers)];
  return `there is no group or tier '${word}'${suggestion(word, known, String)}; groups are ${groups.join(", ")}; tiers are ${Object.keys(tiers).join(", ")}`;
}
