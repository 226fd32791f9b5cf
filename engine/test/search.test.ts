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
      await expect(directory.search({ pattern: "x", skipIgnored: true })).rejects.toThrow("skipIgnored");
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
});
