import { closest, distance } from "fastest-levenshtein";

/** `; did you mean X?` with the known word nearest to an unknown one, or "" if none is close. */
export function suggestion(unknown: string, known: readonly string[]): string {
  const nearest = closest(unknown, known);
  const letters = unknown.replace(/^-+/, "").length;
  return distance(unknown, nearest) * 2 <= letters ? `; did you mean ${nearest}?` : "";
}
