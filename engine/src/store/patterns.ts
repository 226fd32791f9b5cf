import picomatch from "picomatch";
import { normalise, type Tree } from "./tree.ts";

export interface PathFilter {
  include?: readonly string[];
  exclude?: readonly string[];
}

interface Rule {
  negated: boolean;
  matches: (path: string) => boolean;
}

/**
 * A matcher with the rules of .dockerignore, which Dagger's exclude, include and ignore follow: patterns are rooted,
 * `**` spans folders, what matches a folder matches all below it, `!` takes back, the last match counts.
 */
export function patternMatcher(patterns: readonly string[]): (path: string) => boolean {
  const rules = patterns.map(parseRule).filter((rule) => rule !== undefined);
  return (path) => {
    let matched = false;
    for (const rule of rules) if (rule.negated === matched && rule.matches(path)) matched = !rule.negated;
    return matched;
  };
}

function parseRule(pattern: string): Rule | undefined {
  const negated = pattern.trim().startsWith("!");
  const text = normalise(pattern.trim().replace(/^!/, ""));
  if (text === "") return undefined;
  const isMatch = picomatch(text, { dot: true, noext: true, nobrace: true, nonegate: true });
  return { negated, matches: (path) => parents(path).some((part) => isMatch(part)) };
}

/** "a/b/c" gives "a", "a/b" and "a/b/c". */
function parents(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** Whether a path is wanted under a filter. Folders stay while something below them may be wanted. */
export function pathFilter({ include = [], exclude = [] }: PathFilter): (path: string) => boolean {
  const included = include.length === 0 ? () => true : patternMatcher(include);
  const excluded = patternMatcher(exclude);
  return (path) => included(path) && !excluded(path);
}

/** A folder can be skipped unread only if no later `!` pattern could bring back something in it. */
export function mayPrune(exclude: readonly string[]): boolean {
  return !exclude.some((pattern) => pattern.trim().startsWith("!"));
}

/** `tree` with only what the filter wants; folders are kept if wanted themselves or needed by what is. */
export function filterTree(tree: Tree, filter: PathFilter): Tree {
  const wanted = pathFilter(filter);
  const needed = new Set(tree.paths.filter((path) => wanted(path)).flatMap(parents));
  return tree.filter((path) => needed.has(path));
}
