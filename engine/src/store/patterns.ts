import { normalise, parentOf, type Tree } from "./tree.ts";

export interface PathFilter {
  include?: readonly string[];
  exclude?: readonly string[];
}

interface Rule {
  negated: boolean;
  regex: RegExp;
}

/**
 * A matcher with the rules of .dockerignore, which Dagger's exclude, include and ignore follow: patterns are rooted,
 * `**` spans folders, a match of a folder includes everything below it, `!` negates, the last match counts. As in a walk from
 * the top, a folder takes part in a pattern only if that pattern decided something there.
 */
export function patternMatcher(patterns: readonly string[]): (path: string) => boolean {
  const rules = patterns.map(parseRule).filter((rule) => rule !== undefined);
  const folders = new Map<string, readonly boolean[]>([["", []]]);
  /** Which rules match a path or a folder that it is in. */
  const matches = (path: string, above: readonly boolean[]): { matched: boolean; each: boolean[] } => {
    let matched = false;
    const each = rules.map(({ negated, regex }, i) => {
      const isMatch = above[i] || (negated === matched && regex.test(path));
      if (isMatch) matched = !negated;
      return isMatch;
    });
    return { matched, each };
  };
  const ofFolder = (path: string): readonly boolean[] => {
    const known = folders.get(path);
    if (known) return known;
    const { each } = matches(path, ofFolder(parentOf(path)));
    folders.set(path, each);
    return each;
  };
  return (path) => matches(path, ofFolder(parentOf(path))).matched;
}

function parseRule(pattern: string): Rule | undefined {
  const negated = pattern.trim().startsWith("!");
  const text = normalise(pattern.trim().replace(/^!/, ""));
  return text === "" ? undefined : { negated, regex: patternRegex(text) };
}

/**
 * One pattern as a regular expression for whole paths. No glob library reads patterns as Docker does: `a/**` is
 * not `a` itself, `**.go` is any path that ends with `.go`, and braces, parentheses and leading dots have no special meaning.
 */
export function patternRegex(pattern: string): RegExp {
  // With a wildcard after it, a leading ** spans whole folders.
  const isEnding = /^\*\*[^/*?[\]\\][^*?[\]\\]*$/.test(pattern);
  let source = isEnding ? ".*" : "";
  for (let rest = isEnding ? pattern.slice(2) : pattern; rest !== ""; ) {
    const [token = ""] = /^(?:\*\*\/?|\*|\?|\[(?:\\.|[^\]\\])+\]|\\.|[\s\S])/.exec(rest) ?? [];
    rest = rest.slice(token.length);
    if (token === "[" || token === "\\") throw invalid(pattern);
    if (token.startsWith("**")) source += rest === "" ? ".*" : "(?:.*/)?";
    else if (token === "*") source += "[^/]*";
    else if (token === "?") source += "[^/]";
    else if (token.length > 1) source += token;
    else source += token.replace(/[\^$.*+?()[\]{}|]/, "\\$&");
  }
  try {
    return new RegExp(`^${source}$`, "s");
  } catch {
    throw invalid(pattern);
  }
}

function invalid(pattern: string): Error {
  return new Error(`invalid pattern ${JSON.stringify(pattern)}: syntax error in pattern`);
}

/** "a/b/c" gives "a", "a/b" and "a/b/c". */
function parents(path: string): string[] {
  const found: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) found.push(path.slice(0, at));
  return [...found, path];
}

/** Whether a path passes a filter. Folders stay while something below them may pass. */
export function pathFilter({ include = [], exclude = [] }: PathFilter): (path: string) => boolean {
  const included = include.length === 0 ? () => true : patternMatcher(include);
  const excluded = patternMatcher(exclude);
  return (path) => included(path) && !excluded(path);
}

/** Which folders can be skipped unread: those that are excluded, unless a `!` pattern may include something in them. */
export function pruneMatcher(exclude: readonly string[]): (folder: string) => boolean {
  const excluded = patternMatcher(exclude);
  const kept = exclude.filter((pattern) => pattern.trim().startsWith("!")).map(literalStart);
  const meets = (start: string, folder: string): boolean =>
    start.startsWith(folder) || folder.startsWith(start);
  return (folder) => excluded(folder) && !kept.some((start) => meets(start, `${folder}/`));
}

/** The folders that a `!` pattern names before its first wildcard: "a/" of "!a/*.pem". */
function literalStart(pattern: string): string {
  const parts = normalise(pattern.trim().slice(1)).split("/");
  const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
  return (wild < 0 ? parts : parts.slice(0, wild)).map((part) => `${part}/`).join("");
}

/** A tree without what is at a path, or without what matches it if it is a pattern. */
export function withoutPath(tree: Tree, path: string): Tree {
  const matching = path.includes("*") ? matchingPaths(tree, path) : [path];
  return matching.reduce((left, at) => left.without(left.realPath(at, false)), tree);
}

/** The paths of a tree that match a pattern. */
export function matchingPaths(tree: Tree, pattern: string): string[] {
  const regex = patternRegex(normalise(pattern));
  return tree.allPaths.filter((path) => regex.test(path));
}

/** The part of `tree` that passes a filter, with the folders that lead to it. */
export function filterTree(tree: Tree, filter: PathFilter): Tree {
  if (!filter.include?.length && !filter.exclude?.length) return tree;
  const wanted = pathFilter(filter);
  const needed = new Set(tree.paths.filter((path) => wanted(path)).flatMap(parents));
  return tree.filter((path) => needed.has(path));
}
