import { describe, expect, it } from "vitest";
import { newDirectory, newFile, normalise, Tree } from "../src/store/tree.ts";

function tree(...paths: string[]): Tree {
  return paths.reduce(
    (all, path) => all.with(path, path.endsWith("/") ? newDirectory() : newFile(`blob of ${path}`, 1)),
    Tree.empty,
  );
}

describe("a tree", () => {
  it("lists the direct content of a folder, folders with a trailing slash", () => {
    const t = tree("b", "a/x", "a/y/z", "empty/");
    expect(t.list()).toEqual(["a/", "b", "empty/"]);
    expect(t.list("/a/")).toEqual(["x", "y/"]);
    expect(t.list("b")).toEqual([]);
  });

  it("includes folders that exist only as parents", () => {
    const t = tree("a/b/c");
    expect(["", "a", "/a/b", "a/b/c", "x"].map((path) => t.isDirectory(path))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(t.allPaths).toEqual(["a", "a/b", "a/b/c"]);
    expect(t.paths).toEqual(["a/b/c"]);
  });

  it("is immutable", () => {
    const t = tree("a");
    t.with("b", newFile("b", 1));
    t.without("a");
    t.merge("", tree("c"));
    expect(t.paths).toEqual(["a"]);
  });

  it("has a digest of the content that ignores modification times and insertion order", () => {
    expect(tree("a", "b").digest).toBe(tree("b", "a").digest);
    expect(tree("a").map((entry) => ({ ...entry, mtime: 5 })).digest).toBe(tree("a").digest);
    for (const change of [{ mode: 0o755 }, { uid: 1 }, { gid: 1 }, { blob: "other" }])
      expect(tree("a").map((entry) => ({ ...entry, ...change })).digest).not.toBe(tree("a").digest);
    expect(tree("a").digest).not.toBe(tree("b").digest);
  });

  it("merges another tree below a path", () => {
    expect(tree("a/x", "b").merge("a", tree("y")).paths).toEqual(["a/x", "a/y", "b"]);
    expect(tree("a").merge("", tree("a")).get("a")?.blob).toBe("blob of a");
  });

  it("replaces a file with a folder, and a folder with a file", () => {
    expect(tree("a").merge("", tree("a/b")).paths).toEqual(["a/b"]);
    expect(tree("a/b", "a/c/d", "ab").with("a", newFile("x", 1)).paths).toEqual(["a", "ab"]);
  });

  it("removes a path with everything below it, but no sibling with the same prefix", () => {
    expect(tree("a/b/c", "a/bc", "a/b.d").without("a/b").paths).toEqual(["a/b.d", "a/bc"]);
  });

  it("returns the subtree below a path", () => {
    expect(tree("a/b/c", "a/d", "ab").subtree("a").paths).toEqual(["b/c", "d"]);
    expect(tree("a").subtree("/").paths).toEqual(["a"]);
  });

  it("normalises paths that lead out of it", () => {
    expect(["../../etc", "/a/../..//b/./c/", ".", "", "a/.."].map(normalise)).toEqual([
      "etc",
      "b/c",
      "",
      "",
      "",
    ]);
  });

  it("is the same after a round trip through JSON", () => {
    const t = tree("a/b", "c/");
    expect(Tree.fromJSON(JSON.parse(JSON.stringify(t.toJSON()))).digest).toBe(t.digest);
  });

  it("handles 10,000 files in under a second", () => {
    const entries = Array.from(
      { length: 10_000 },
      (_, i) => [`d${i % 100}/f${i}`, newFile(`${i}`, 1)] as [string, ReturnType<typeof newFile>],
    );
    const started = performance.now();
    const t = Tree.fromJSON(entries);
    expect(t.list("d5")).toHaveLength(100);
    expect(t.merge("x", t).allPaths).toHaveLength(20_000 + 201);
    expect(t.allPaths.filter((path) => t.isDirectory(path))).toHaveLength(100);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
