import { distance } from "fastest-levenshtein";

/**
 * "; did you mean X?" for the nearest of some names, or "" if none is near. At most two letters of a short word may
 * differ, and a third of a long one.
 */
export function suggestion(
  text: string,
  names: readonly string[],
  show: (name: string) => string = JSON.stringify,
): string {
  const limit = Math.min(text.length - 1, Math.max(2, Math.floor(text.length / 3)));
  const near = names
    .map((name) => ({ name, away: distance(text.toLowerCase(), name) }))
    .filter(({ away }) => away <= limit)
    .sort((a, b) => a.away - b.away);
  return near[0] ? `; did you mean ${show(near[0].name)}?` : "";
}
