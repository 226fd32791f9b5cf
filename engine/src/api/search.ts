import { UserError } from "../core/errors.ts";
import type { Args } from "../session/context.ts";
import { patternMatcher } from "../store/patterns.ts";
import type { Store } from "../store/store.ts";
import { type Entry, parentOf, Tree } from "../store/tree.ts";
import { leavesDirectory } from "./names.ts";
import { ignoredPaths } from "./search-ignore.ts";

/** A search result as the API returns it. Offsets are in bytes, lines start at 1. */
export interface SearchResultValue {
  filePath: string;
  lineNumber: number;
  absoluteOffset: number;
  matchedLines: string;
  submatches: { text: string; start: number; end: number }[];
}

/**
 * Searches files for a pattern, as ripgrep does. Patterns are JavaScript's regular expressions, which differ from
 * Rust's only in rare features: inline flags and possessive classes.
 * @param roots where to search; everywhere if there are none.
 */
export function searchFiles(
  store: Store,
  tree: Tree,
  args: Args,
  roots: readonly string[] = [],
): SearchResultValue[] {
  const pattern = patternOf(args);
  const isWanted = chosen(store, tree, args, roots);
  const results: SearchResultValue[] = [];
  for (const [path, entry] of tree.toJSON()) {
    if (!entry.blob || !isWanted(path)) continue;
    const bytes = store.readBlobText(entry.blob, Number.POSITIVE_INFINITY);
    // Binary files are skipped.
    if (bytes.includes("\0")) continue;
    const found = searchText(path, bytes, pattern, args.multiline);
    results.push(...(args.filesOnly ? found.slice(0, 1).map(fileOnly) : found));
    if (args.limit != null && results.length >= args.limit) return results.slice(0, args.limit);
  }
  return results;
}

/**
 * The places that a call's `paths` name in a directory, with links followed in it.
 * @throws UserError for a path that leads out of it.
 */
export function searchRoots(tree: Tree, paths: readonly string[] = []): string[] {
  return paths.map((path) => {
    if (leavesDirectory(path.replace(/^\/+/, "")))
      throw new UserError(`path cannot escape directory: ${path}`);
    return tree.realPath(path);
  });
}

/** Searches one file, which was named: no rule ignores it. */
export function searchFile(store: Store, name: string, entry: Entry, args: Args): SearchResultValue[] {
  return searchFiles(store, new Tree(new Map([[name, entry]])), { ...args, skipIgnored: false });
}

function patternOf({ pattern, literal, multiline, dotall, insensitive }: Args): RegExp {
  const source = literal ? pattern.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") : pattern;
  return new RegExp(source, `g${insensitive ? "i" : ""}${multiline ? "m" : ""}${dotall ? "s" : ""}`);
}

function chosen(
  store: Store,
  tree: Tree,
  { globs = [], skipHidden, skipIgnored }: Args,
  roots: readonly string[],
): (path: string) => boolean {
  const isBelow = (path: string, root: string): boolean =>
    root === "" || path === root || path.startsWith(`${root}/`);
  // As in ripgrep, a glob without a slash matches names in any folder.
  const matches = patternMatcher(globs.map((glob: string) => (glob.includes("/") ? glob : `**/${glob}`)));
  const isIgnored = skipIgnored ? ignoredPaths(store, tree, roots) : () => false;
  // A glob brings back an ignored file, but not one in an ignored folder.
  const isSkipped = (path: string): boolean =>
    globs.length > 0 ? isIgnored(parentOf(path), true) : isIgnored(path);
  return (path) =>
    (roots.length === 0 || roots.some((root) => isBelow(path, root))) &&
    (globs.length === 0 || matches(path)) &&
    !isSkipped(path) &&
    !(skipHidden && path.split("/").some((part) => part.startsWith(".")));
}

function searchText(
  filePath: string,
  text: string,
  pattern: RegExp,
  multiline: boolean,
): SearchResultValue[] {
  const results: SearchResultValue[] = [];
  const pieces = multiline ? [text] : text.split(/(?<=\n)/);
  let lineNumber = 1;
  let offset = 0;
  for (const piece of pieces) {
    const body = multiline ? piece : piece.replace(/\r?\n$/, "");
    const matches = [...body.matchAll(pattern)];
    for (const group of multiline ? matches.map((match) => [match]) : matches.length > 0 ? [matches] : [])
      results.push(place(filePath, piece, group, lineNumber, offset));
    lineNumber += piece.split("\n").length - 1;
    offset += Buffer.byteLength(piece);
  }
  return results;
}

/** The lines of a text that contain matches. */
function place(
  filePath: string,
  piece: string,
  matches: RegExpExecArray[],
  lineNumber: number,
  offset: number,
): SearchResultValue {
  const [first] = matches as [RegExpExecArray];
  const last = matches[matches.length - 1] as RegExpExecArray;
  const start = piece.lastIndexOf("\n", first.index - 1) + 1;
  const stop = piece.indexOf("\n", Math.max(start, last.index + last[0].length - 1));
  const lines = piece.slice(start, stop < 0 ? undefined : stop + 1);
  const bytes = (to: number): number => Buffer.byteLength(piece.slice(start, to));
  return {
    filePath,
    lineNumber: lineNumber + piece.slice(0, start).split("\n").length - 1,
    absoluteOffset: offset + Buffer.byteLength(piece.slice(0, start)),
    matchedLines: lines,
    submatches: matches.map((match) => ({
      text: match[0],
      start: bytes(match.index),
      end: bytes(match.index + match[0].length),
    })),
  };
}

function fileOnly({ filePath }: SearchResultValue): SearchResultValue {
  return { filePath, lineNumber: 0, absoluteOffset: 0, matchedLines: "", submatches: [] };
}
