import { ExistsType, FileType } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const session = <T>(use: Parameters<typeof withSession<T>>[1]): Promise<T> =>
  withSession({ storePath, withDocker: false }, use);

describe("a directory", () => {
  it("is composed of files, folders, links and other directories", () =>
    session(async ({ client }) => {
      const inner = client.directory().withNewFile("f", "inner").withNewFile("skip.log", "");
      const dir = client
        .directory()
        .withNewFile("a", "a", { permissions: 0o600 })
        .withNewDirectory("empty")
        .withFile("copied/", client.file("name", "x"))
        .withFiles("many", [client.file("one", "1"), client.file("two", "2")])
        .withSymlink("a", "link")
        .withDirectory("in", inner, { exclude: ["*.log"] });
      expect(await dir.entries()).toEqual(["a", "copied/", "empty/", "in/", "link", "many/"]);
      expect(await dir.entries({ path: "many" })).toEqual(["one", "two"]);
      expect(await dir.file("in/f").contents()).toBe("inner");
      expect(await dir.file("link").contents()).toBe("a");
      expect(await dir.directory("in").entries()).toEqual(["f"]);
      expect(await dir.file("copied/name").name()).toBe("name");
    }));

  it("is searched with the patterns of .dockerignore", () =>
    session(async ({ client }) => {
      const dir = ["a.py", "b/c.py", "b/d/e.py", "b/.f"].reduce(
        (d, path) => d.withNewFile(path, ""),
        client.directory(),
      );
      expect(await dir.glob("*.py")).toEqual(["a.py"]);
      expect(await dir.glob("**/*.py")).toEqual(["a.py", "b/c.py", "b/d/e.py"]);
      expect(await dir.glob("b/*")).toEqual(["b/.f", "b/c.py", "b/d/"]);
      expect(await dir.glob("nothing")).toEqual([]);
    }));

  it("reports existence and type, with or without following links", () =>
    session(async ({ client }) => {
      const dir = client.directory().withNewFile("d/f", "12").withSymlink("d", "l").withSymlink("x", "x");
      const types = await Promise.all([
        dir.exists("d/f"),
        dir.exists("l/f"),
        dir.exists("d/g"),
        dir.exists("d", { expectedType: ExistsType.RegularType }),
        dir.exists("l", { expectedType: ExistsType.DirectoryType }),
        dir.exists("l", { expectedType: ExistsType.SymlinkType, doNotFollowSymlinks: true }),
      ]);
      expect(types).toEqual([true, true, false, false, true, true]);
      const stat = dir.stat("d/f");
      expect([await stat.size(), await stat.fileType(), await stat.permissions()]).toEqual([
        2,
        FileType.Regular,
        0o644,
      ]);
      await expect(dir.exists("x")).rejects.toThrow("cycle");
    }));

  it("removes files and folders by path or by filter", () =>
    session(async ({ client }) => {
      const dir = ["a", "b", "c/d", "c/e"].reduce((d, path) => d.withNewFile(path, ""), client.directory());
      expect(await dir.withoutFile("a").withoutDirectory("c").entries()).toEqual(["b"]);
      expect(await dir.withoutFiles(["a", "c/d"]).glob("**")).toEqual(["b", "c/", "c/e"]);
      expect(await dir.filter({ include: ["c"], exclude: ["**/e"] }).glob("**")).toEqual(["c/", "c/d"]);
    }));

  it("has a diff with the new and changed files of another directory", () =>
    session(async ({ client }) => {
      const one = client
        .directory()
        .withNewFile("same", "")
        .withNewFile("changed", "1")
        .withNewFile("gone", "");
      const two = client
        .directory()
        .withNewFile("same", "")
        .withNewFile("changed", "2")
        .withNewFile("new/f", "");
      expect(await one.diff(two).glob("**")).toEqual(["changed", "new/", "new/f"]);
    }));

  it("has a digest of contents and owners that ignores modification times", () =>
    session(async ({ client }) => {
      const dir = client.directory().withNewFile("a", "x");
      expect(await dir.withTimestamps(5).digest()).toBe(await dir.digest());
      expect(await dir.withNewFile("a", "y").digest()).not.toBe(await dir.digest());
      expect(await dir.chown("/", "5:6").digest()).not.toBe(await dir.digest());
      expect(await dir.digest()).toMatch(/^sha256:[0-9a-f]{64}$/);
    }));

  it("takes owners only as numeric IDs", () =>
    session(async ({ client }) => {
      const dir = client.directory().withNewFile("a", "");
      await expect(dir.chown("a", "root").sync()).rejects.toThrow("numbers");
      await expect(client.directory().withFile("b", dir.file("a"), { owner: "x" }).sync()).rejects.toThrow(
        "numbers",
      );
    }));

  it("names a missing path in the error", () =>
    session(async ({ client }) => {
      const dir = client.directory().withNewFile("f", "");
      await expect(dir.file("none").contents()).rejects.toThrow("none: no such file");
      await expect(dir.directory("none").entries()).rejects.toThrow("none: no such directory");
      await expect(dir.directory("f").entries()).rejects.toThrow("f: no such directory");
      await expect(dir.withError("stop").entries()).rejects.toThrow("stop");
    }));
});

describe("a file", () => {
  it("has content (whole or by lines), a size, a name and a digest", () =>
    session(async ({ client }) => {
      const file = client.file("f.txt", "one\ntwo\nthree\n");
      expect(await file.contents()).toBe("one\ntwo\nthree\n");
      expect(await file.contents({ offsetLines: 1, limitLines: 1 })).toBe("two\n");
      expect(await file.contents({ offsetLines: 2 })).toBe("three\n");
      expect(await file.contents({ limitLines: 2 })).toBe("one\ntwo\n");
      expect(await file.contents({ offsetLines: 3 })).toBe("");
      expect([await file.size(), await file.name()]).toEqual([14, "f.txt"]);
      const renamed = file.withName("g");
      expect(await renamed.name()).toBe("g");
      expect(await renamed.digest({ excludeMetadata: true })).toBe(
        await file.digest({ excludeMetadata: true }),
      );
      expect(await renamed.digest()).not.toBe(await file.digest());
    }));

  it("has text replaced, unless the match is missing or ambiguous", () =>
    session(async ({ client }) => {
      const file = client.file("f", "a b\na b\nc $&");
      expect(await file.withReplaced("c", "d").contents()).toBe("a b\na b\nd $&");
      expect(await file.withReplaced("a", "$&", { all: true }).contents()).toBe("$& b\n$& b\nc $&");
      expect(await file.withReplaced("a", "x", { firstFrom: 2 }).contents()).toBe("a b\nx b\nc $&");
      await expect(file.withReplaced("a", "x").sync()).rejects.toThrow("more than once");
      await expect(file.withReplaced("z", "x").sync()).rejects.toThrow("not in the file");
    }));
});
