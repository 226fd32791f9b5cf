import type { Client, Directory } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();

const session = <T>(use: (directory: Directory, client: Client) => Promise<T>): Promise<T> =>
  withSession({ storePath, withDocker: false }, ({ client }) =>
    use(
      client
        .directory()
        .withNewFile("a.py", "import os\nprint(os.name)\n")
        .withNewFile("sub/b.txt", "é os OS\nlast line")
        .withNewFile(".hidden", "os"),
      client,
    ),
  );

const places = async (found: Promise<{ filePath(): Promise<string>; lineNumber(): Promise<number> }[]>) =>
  Promise.all((await found).map(async (one) => `${await one.filePath()}:${await one.lineNumber()}`));

describe("search", () => {
  it("finds each matching line with its byte offsets", () =>
    session(async (directory) => {
      expect(await places(directory.search({ pattern: "\\bos\\b" }))).toEqual([
        ".hidden:1",
        "a.py:1",
        "a.py:2",
        "sub/b.txt:1",
      ]);
      const [found] = await directory.file("sub/b.txt").search("OS");
      const [match] = (await found?.submatches()) ?? [];
      expect(await found?.matchedLines()).toBe("é os OS\n");
      expect([await match?.text(), await match?.start(), await match?.end()]).toEqual(["OS", 6, 8]);
      const [last] = await directory.file("sub/b.txt").search("last");
      expect(await last?.absoluteOffset()).toBe(9);
    }));

  it("applies paths, globs, limits and match options", () =>
    session(async (directory) => {
      expect(await places(directory.search({ pattern: "os", globs: ["*.txt"] }))).toEqual(["sub/b.txt:1"]);
      expect(await places(directory.search({ pattern: "os", paths: ["sub"] }))).toEqual(["sub/b.txt:1"]);
      expect(await places(directory.search({ pattern: "os", skipHidden: true, limit: 1 }))).toEqual([
        "a.py:1",
      ]);
      expect(
        await places(directory.search({ pattern: "OS", insensitive: true, filesOnly: true })),
      ).toHaveLength(3);
      expect(await places(directory.search({ pattern: "(os.name)", literal: true }))).toEqual(["a.py:2"]);
    }));

  it("searches in the places that `paths` name, as any path names them", () =>
    session(async (directory) => {
      const dir = directory
        .withSymlink("/sub", "link")
        .withNewFile("etc/conf", "os")
        .withNewFile("in/etc/conf", "os inside")
        .withSymlink("/etc/conf", "in/conf");
      const search = (from: Directory, ...paths: string[]): Promise<string[]> =>
        places(from.search({ pattern: "os", paths }));
      for (const path of ["/sub", "sub/", "./sub", "link", "link/b.txt", "/sub/../sub"])
        expect(await search(dir, path)).toEqual(["sub/b.txt:1"]);
      expect(await search(dir, "/sub/../")).toContain("a.py:1");
      expect(await search(dir, "a.py", "etc")).toEqual(["a.py:1", "a.py:2", "etc/conf:1"]);
      // A link leads no further than to the directory that is searched.
      expect(await search(dir.directory("in"), "conf")).toEqual(["etc/conf:1"]);
      for (const path of ["../../etc/passwd", "some/../../etc", ".."])
        await expect(search(dir, path)).rejects.toThrow(`path cannot escape directory: ${path}`);
    }));

  it("matches across lines only with `multiline`", () =>
    session(async (directory) => {
      expect(await directory.search({ pattern: "os\nprint" })).toEqual([]);
      const [found] = await directory.search({ pattern: "os\nprint", multiline: true });
      expect(await found?.matchedLines()).toBe("import os\nprint(os.name)\n");
    }));

  it("findUp returns the nearest path with a name", () =>
    session(async (directory) => {
      expect(await directory.findUp("a.py", "sub")).toBe("a.py");
      expect(await directory.findUp("b.txt", "sub")).toBe("sub/b.txt");
      expect(await directory.findUp("none", "sub")).toBeNull();
    }));

  it("leaves out what .ignore and .rgignore name, and in a repository .gitignore, where that is asked for", () =>
    session(async (_, client) => {
      const files = ["kept", "a.log", "kept.log", "out/x", "sub/b.tmp", "sub/kept.tmp", "deep/c.bin"];
      const directory = files
        .reduce((dir, path) => dir.withNewFile(path, "word"), client.directory())
        .withNewFile(".gitignore", "*.bin")
        .withNewFile(".ignore", "*.log\n/out\n*.tmp\n")
        .withNewFile(".rgignore", "!kept.log")
        .withNewFile("sub/.ignore", "!kept.tmp");
      const found = async (dir: Directory, more = {}): Promise<string[]> => {
        const results = await dir.search({ pattern: "word", skipIgnored: true, filesOnly: true, ...more });
        return Promise.all(results.map((result) => result.filePath()));
      };
      const kept = ["kept", "kept.log", "sub/kept.tmp"];
      expect(await found(directory)).toEqual(["deep/c.bin", ...kept]);
      expect(await found(directory.withNewDirectory(".git"))).toEqual(kept);
      expect(await found(directory, { paths: ["out"] })).toEqual(["out/x"]);
      expect(await found(directory, { globs: ["*.log", "x"] })).toEqual(["a.log", "kept.log"]);
      expect(await directory.file("a.log").search("word", { skipIgnored: true })).toHaveLength(1);
    }));
});
