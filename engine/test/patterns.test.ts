import { describe, expect, it } from "vitest";
import { filterTree, pathFilter, patternMatcher, pruneMatcher } from "../src/store/patterns.ts";
import { newDirectory, newFile, Tree } from "../src/store/tree.ts";

// The documented rules of .dockerignore, one per line: patterns, paths that match, paths that don't.
const rules: [patterns: string[], matched: string[], unmatched: string[]][] = [
  [["temp"], ["temp", "temp/a/b"], ["x/temp", "temps"]],
  [["/foo/bar"], ["foo/bar"], ["bar", "foo"]],
  [["foo/bar/"], ["foo/bar", "foo/bar/x"], ["foo/barx"]],
  [["*/temp*"], ["a/temp", "a/temporary.txt", "a/temp/b"], ["temp", "a/b/temp"]],
  [["*/*/temp*"], ["a/b/temp1"], ["a/temp1"]],
  [["temp?"], ["tempa", "temp1"], ["temp", "tempab", "temp/a"]],
  [["**/*.go"], ["a.go", "x/a.go", "x/y/a.go"], ["a.got"]],
  [["**/node_modules"], ["node_modules", "a/node_modules/b"], ["a/node_modules2"]],
  [["**.go"], ["a.go", "x/a.go", ".go"], ["a.got"]],
  [["**.g?"], [".go", "x/.go"], ["a.go"]],
  [["**foo"], ["foo", "xfoo", "x/yfoo", "foo/a"], ["fo"]],
  [["a**"], ["a", "ab", "a/b"], ["b/a"]],
  [["a**b"], ["ab", "a/b", "ax/b"], ["axb"]],
  [["a/**"], ["a/b", "a/b/c"], ["a", "ab"]],
  [["a/**/z"], ["a/z", "a/b/z", "a/b/c/z"], ["az", "b/a/z"]],
  [["**"], ["a", "a/b", ".hidden"], []],
  [["*"], [".hidden", "a", "a/b"], []],
  [["*.md", "!README.md"], ["a.md"], ["README.md"]],
  [["*.md", "!README*.md", "README-secret.md"], ["a.md", "README-secret.md"], ["README.md"]],
  [["README-secret.md", "!README*.md"], [], ["README-secret.md"]],
  [["dir", "!dir/keep"], ["dir/a"], ["dir/keep"]],
  // What a negation did not undo in a folder, it does not undo below it.
  [["**/*.txt", "!dir"], ["dir/a.txt"], ["dir", "dir/b"]],
  [
    ["dir/**", "!dir/a", "dir/a/x"],
    ["dir/b", "dir/a/x"],
    ["dir/a", "dir/a/y"],
  ],
  [["[ab].txt"], ["a.txt", "b.txt"], ["c.txt"]],
  [["[^ab].txt"], ["c.txt"], ["a.txt"]],
  [["[a-c]1"], ["b1"], ["d1"]],
  [["a\\*b"], ["a*b"], ["axb"]],
  [["{a,b}"], ["{a,b}"], ["a"]],
  [["a(1).txt"], ["a(1).txt"], ["a1.txt"]],
  [["a+b"], ["a+b"], ["aab"]],
  [["a.b"], ["a.b"], ["axb"]],
  [["  spaced  "], ["spaced"], ["  spaced  "]],
  [["./a/../b"], ["b"], ["a"]],
  [[""], [], ["a"]],
];

describe("a pattern", () => {
  it.each(rules)("%j matches %j and not %j", (patterns, matched, unmatched) => {
    const matches = patternMatcher(patterns);
    expect(matched.filter((path) => !matches(path))).toEqual([]);
    expect(unmatched.filter((path) => matches(path))).toEqual([]);
  });

  it.each(["[z-a]", "[a", "a\\"])("that is invalid is named in the error: %j", (pattern) => {
    expect(() => patternMatcher([pattern])).toThrow(`${JSON.stringify(pattern)}: syntax error in pattern`);
  });
});

describe("a filter", () => {
  const all = Tree.fromJSON(
    ["a.py", "docs/b.md", "src/c.py", "src/d.txt"].map((path) => [path, newFile(path, 1)]),
  ).with("empty", newDirectory());

  it("keeps what is included and not excluded", () => {
    expect(filterTree(all, { include: ["**/*.py"] }).paths).toEqual(["a.py", "src/c.py"]);
    expect(filterTree(all, { include: ["src"], exclude: ["**/*.txt"] }).paths).toEqual(["src/c.py"]);
    expect(filterTree(all, { exclude: ["src", "docs"] }).paths).toEqual(["a.py", "empty"]);
  });

  it("that is empty keeps everything", () => {
    expect(filterTree(all, {})).toBe(all);
    expect(pathFilter({ include: [] })("x")).toBe(true);
  });

  it.each([
    [["a", "b/**"], "a", true],
    [["a", "b/**"], "b/c", true],
    [["a"], "b", false],
    [["a", " !a/b/c"], "a", false],
    [["a", "!a/b/c"], "a/b", false],
    [["a", "!a/b/c"], "a/b/c/d", false],
    [["a", "!a/b/c"], "a/bc", true],
    [["a", "z", "!a/*.pem"], "a/x", false],
    [["a", "z", "!a/*.pem"], "z", true],
    [["a", "!**/keep"], "a/x", false],
  ])("%j: folder %s is skipped unread: %s", (exclude, folder, skipped) => {
    expect(pruneMatcher(exclude)(folder)).toBe(skipped);
  });
});
