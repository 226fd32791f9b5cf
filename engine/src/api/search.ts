import { UserError } from "../core/errors.ts";
import type { Args } from "../session/context.ts";
import { patternMatcher } from "../store/patterns.ts";
import type { Store } from "../store/store.ts";
import type { Entry } from "../store/tree.ts";

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
 */
export function searchFiles(
  store: Store,
  files: readonly [string, Entry][],
  args: Args,
): SearchResultValue[] {
  const pattern = patternOf(args);
  const isWanted = chosen(args);
  const results: SearchResultValue[] = [];
  for (const [path, entry] of files) {
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

export function refuseIgnored({ skipIgnored }: Args): void {
  if (skipIgnored)
    throw new UserError(
      "search: the embedded engine has no skipIgnored; the official engine does, or use globs",
    );
}

function patternOf({ pattern, literal, multiline, dotall, insensitive }: Args): RegExp {
  const source = literal ? pattern.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&") : pattern;
  return new RegExp(source, `g${insensitive ? "i" : ""}${multiline ? "m" : ""}${dotall ? "s" : ""}`);
}

function chosen({ paths = [], globs = [], skipHidden }: Args): (path: string) => boolean {
  const isBelow = (path: string, root: string): boolean =>
    root === "." || root === "/" || path === root || path.startsWith(`${root.replace(/\/+$/, "")}/`);
  // As in ripgrep, a glob without a slash matches names in any folder.
  const matches = patternMatcher(globs.map((glob: string) => (glob.includes("/") ? glob : `**/${glob}`)));
  return (path) =>
    (paths.length === 0 || paths.some((root: string) => isBelow(path, root.replace(/^\.?\//, "") || "."))) &&
    (globs.length === 0 || matches(path)) &&
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
