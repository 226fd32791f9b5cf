import { distance } from "fastest-levenshtein";

/** Names that begin so belong to the stack itself: one that it does not know has no effect. */
const ownPrefixes = /^(COMPOSE|COLLECTOR|GRAFANA|LOGS|LOKI|NGINX|SECRETS|STACKLINE)_/;

/** The names that one place of the configuration can have, and those of the other. */
export interface NameRules {
  known: readonly string[];
  /** Names that belong elsewhere. */
  foreign: readonly string[];
  /** Where these belong: completes "it belongs ...". */
  elsewhere: string;
}

/**
 * What is wrong with a name that nothing reads, and what to do; undefined for a known name and for the application's own.
 * Only a name that nearly is another, or that can only be the stack's, is refused.
 */
export function faultOfName(name: string, { known, foreign, elsewhere }: NameRules): string | undefined {
  if (known.includes(name)) return undefined;
  if (foreign.includes(name)) return `${name} has no effect here: it belongs ${elsewhere}`;
  const meant = nearestName(name, known);
  if (meant !== undefined)
    return `nothing reads ${name}: write ${meant}, or if it is the application's own, give it a name less like that one`;
  if (!ownPrefixes.test(name)) return undefined;
  const group = known.filter((other) => other.startsWith(ownPrefixes.exec(name)?.[0] ?? ""));
  return `nothing reads ${name}: ${group.length > 0 ? `there are ${group.join(", ")}` : "such names belong to the stack itself"}`;
}

/** The name that was probably meant: with a letter or two wrong, an underscore missing, or a word abbreviated. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((other) => ({ other, away: differences(name, other) }))
    .filter(({ away, other }) => away <= (other.length >= 12 ? 2 : 1));
  return near.sort((one, two) => one.away - two.away)[0]?.other;
}

/** Edits from one name to another, word by word. A short word, such as API, or a number says something else if it differs. */
function differences(name: string, other: string): number {
  if (name.replaceAll("_", "") === other.replaceAll("_", "")) return 1;
  const [words, others] = [name.split("_"), other.split("_")];
  if (words.length !== others.length) return Number.POSITIVE_INFINITY;
  return words.reduce((sum, word, at) => sum + wordDifferences(word, others[at] ?? ""), 0);
}

function wordDifferences(word: string, other: string): number {
  if (word === other) return 0;
  const isAbbreviated = word.length >= 4 && other.startsWith(word);
  if (isAbbreviated) return 1;
  const tells = other.length >= 4 && word.replace(/\d+$/, "") !== other;
  return tells ? edits(word, other) : Number.POSITIVE_INFINITY;
}

/** Letters to insert, delete or replace; two swapped ones count once. */
function edits(from: string, to: string): number {
  const letters = (word: string): string => [...word].sort().join("");
  const count = distance(from, to);
  return count === 2 && letters(from) === letters(to) ? 1 : count;
}

/** The variables that a compose file reads. The list of profiles is compose's own. */
export function composeVariables(compose: string): string[] {
  const found = [...compose.matchAll(/(?<!\$)\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name as string);
  return [...new Set(["COMPOSE_PROFILES", ...found])].filter(
    (name) => !/^(APP|SECRETS|STACKLINE)_/.test(name),
  );
}
