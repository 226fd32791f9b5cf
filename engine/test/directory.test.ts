import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Directory, ExistsType, FileType } from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { decodeId } from "../src/core/call.ts";
import type { DirectoryValue } from "../src/core/values.ts";
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
      expect(await dir.withoutFile("c/*").entries()).toEqual(["a", "b", "c/"]);
      expect(await dir.withoutFiles(["*", "c/d"]).entries()).toEqual([]);
      expect(await dir.withoutDirectory("[bc]*").entries()).toEqual(["a"]);
      expect(await dir.withoutFile("x*").entries()).toEqual(["a", "b", "c/"]);
      expect(await dir.filter({ include: ["c"], exclude: ["**/e"] }).glob("**")).toEqual(["c/", "c/d"]);
    }));

  it("leaves out what the .gitignore files exclude, on request, those above it included", () =>
    session(async ({ client }) => {
      const dir = client
        .directory()
        .withNewFile(".gitignore", "*.log\n/out/\n")
        .withNewFile("a.log", "")
        .withNewFile("out/x", "")
        .withNewFile("sub/.gitignore", "!b.log\n")
        .withNewFile("sub/b.log", "")
        .withNewFile("sub/c.log", "")
        .withNewFile("sub/out/x", "");
      const gitignore = { gitignore: true };
      const kept = [".gitignore", "sub/", "sub/.gitignore", "sub/b.log", "sub/out/", "sub/out/x"];
      expect(await dir.filter(gitignore).glob("**")).toEqual(kept);
      expect(await client.directory().withDirectory("/", dir, gitignore).glob("**")).toEqual(kept);
      const inner = [".gitignore", "b.log", "out/"];
      expect(await dir.directory("sub").filter(gitignore).entries()).toEqual(inner);
      const copied = client.container().withDirectory("/x", dir.directory("sub"), gitignore);
      expect(await copied.directory("/x").entries()).toEqual(inner);
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

  it("looks owners up by name in what it is part of", () =>
    session(async ({ client }) => {
      const root = client
        .directory()
        .withNewFile("etc/passwd", "app:x:1000:50::/:\n")
        .withNewFile("etc/group", "www:x:33:\n")
        .withNewFile("sub/a", "");
      const digest = (dir: Directory): Promise<string> => dir.directory("sub").digest();
      expect(await digest(root.chown("sub", "app"))).toBe(await digest(root.chown("sub", "1000:1000")));
      expect(await root.directory("sub").chown("/", "app:www").digest()).toBe(
        await digest(root.chown("sub", "1000:33")),
      );
      const file = root.directory("sub").file("a");
      expect(await file.chown("app:www").digest()).toBe(await file.chown("1000:33").digest());
      expect(await digest(root.withFile("sub/b", file, { owner: "app" }))).toBe(
        await digest(root.withFile("sub/b", file, { owner: "1000" })),
      );
      const message = /"nobody".*\/etc\/passwd/;
      await expect(root.chown("sub", "nobody").sync()).rejects.toThrow(message);
      await expect(client.file("f", "").chown("nobody").sync()).rejects.toThrow(message);
    }));

  it("is as its own folder was where it is copied to: with its mode and owner", () =>
    session(async ({ client }) => {
      const folder = client
        .directory()
        .withNewDirectory("private", { permissions: 0o700 })
        .withNewFile("private/f", "")
        .chown("private", "5:6")
        .directory("private");
      const copied = client.directory().withDirectory("new", folder);
      expect(await copied.stat("new").permissions()).toBe(0o700);
      expect(await copied.directory("new").digest()).toBe(await folder.digest());
      expect(await client.directory().withDirectory("/", folder).stat("/").permissions()).toBe(0o755);
      const exported = temporaryFolder();
      chmodSync(exported, 0o750);
      await folder.export(exported);
      expect(statSync(exported).mode & 0o777).toBe(0o750);
    }));

  it("gives permissions to all that is copied, the folder itself included", () =>
    session(async ({ client }) => {
      const source = client.directory().withNewFile("in/f", "").withSymlink("in", "link");
      const dir = client.directory().withDirectory("out", source, { permissions: 0o751 });
      const modes = ["out", "out/in", "out/in/f"].map((path) => dir.stat(path).permissions());
      expect(await Promise.all(modes)).toEqual([0o751, 0o751, 0o751]);
      const link = dir.stat("out/link", { doNotFollowSymlinks: true });
      expect(await link.permissions()).toBe(0o777);
    }));

  it.each([".", "", "/", "./", "folder", "link", "folder/"])(
    "takes a file into the folder %j under the file's own name",
    (path) =>
      session(async ({ client }) => {
        const file = client.directory().withNewFile("deep/name", "x").file("deep/name");
        const dir = client.directory().withNewDirectory("folder").withSymlink("folder", "link");
        const made = dir.withFile(path, file);
        const place = /[a-z]/.test(path) ? "folder/name" : "name";
        expect(await made.file(place).contents()).toBe("x");
        expect(await made.entries()).toContain("link");
      }),
  );

  it("follows links that lead out of a folder, as far as to what the folder is part of", () =>
    session(async ({ client }) => {
      const root = client
        .directory()
        .withNewFile("lib/tool.js", "tool")
        .withSymlink("../lib/tool.js", "bin/tool")
        .withSymlink("/lib", "bin/absolute")
        .withSymlink("../bin/own", "bin/back")
        .withSymlink("../../../lib", "bin/beyond");
      const bin = root.directory("bin");
      expect(await bin.file("tool").contents()).toBe("tool");
      expect(await bin.directory("absolute").entries()).toEqual(["tool.js"]);
      expect(await bin.file("beyond/tool.js").contents()).toBe("tool");
      expect(await bin.file("../lib/tool.js").contents()).toBe("tool");
      expect(await bin.withNewFile("own", "changed").file("back").contents()).toBe("changed");
      expect(await bin.exists("tool", { expectedType: ExistsType.RegularType })).toBe(true);
      expect(await bin.directory("absolute").directory("../bin").file("tool").contents()).toBe("tool");
      expect(await bin.filter({ include: ["*"] }).exists("tool")).toBe(false);
      // Copied elsewhere, a link leads where it leads there.
      const copied = client.directory().withDirectory("sub/bin", bin).withNewFile("sub/lib/tool.js", "other");
      expect(await copied.file("sub/bin/tool").contents()).toBe("other");
      await expect(client.directory().withDirectory("/", bin).file("tool").contents()).rejects.toThrow(
        "tool: no such file or directory",
      );
    }));

  it("is written to through links among a path's parents, and a new file through one at its end", () =>
    session(async ({ client }) => {
      const dir = client
        .directory()
        .withNewFile("real/f", "old")
        .withSymlink("real", "link")
        .withSymlink("real/f", "l");
      const made = dir
        .withNewFile("link/g", "g")
        .withNewDirectory("link/d")
        .withSymlink("g", "link/s")
        .withDirectory("link", client.directory().withNewFile("h", "h"))
        .withNewFile("l", "new");
      expect(await made.entries()).toEqual(["l", "link", "real/"]);
      expect(await made.entries({ path: "link" })).toEqual(["d/", "f", "g", "h", "s"]);
      expect(await made.file("real/f").contents()).toBe("new");
      expect(await made.withoutFile("link/g").entries({ path: "real" })).not.toContain("g");
      expect(await made.withFile("l", client.file("x", "x")).file("real/f").contents()).toBe("new");
      expect(
        await made.withDirectory("/", client.directory().withNewFile("link/k", "")).exists("real/k"),
      ).toBe(true);
    }));

  it("is in its parent as it is now, not as it was", () =>
    session(async ({ client }) => {
      const root = client.directory().withNewFile("a/b/old", "").withNewFile("a/own", "");
      const inner = root.directory("a/b").withoutFile("old").withNewFile("new", "");
      expect(await inner.directory("..").glob("**")).toEqual(["b/", "b/new", "own"]);
      expect(await inner.directory("../..").file("a/b/new").contents()).toBe("");
      expect(await inner.withoutFile("new").directory("..").entries()).toEqual(["b/", "own"]);
    }));

  it("dates what is made now, which changes no digest", () =>
    session(async ({ client, engine }) => {
      const dir = client.directory().withNewFile("f", "").withNewDirectory("d").withSymlink("f", "l");
      const folder = temporaryFolder();
      await dir.export(folder);
      await client.file("f", "").export(join(folder, "single"));
      expect(statSync(join(folder, "f")).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
      expect(statSync(join(folder, "single")).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
      const value = await engine.session.evaluate<DirectoryValue>(decodeId(await dir.id()));
      const dates = value.tree.toJSON().map(([, { mtime }]) => Date.now() / 1000 - mtime);
      expect(dates.every((age) => age >= 0 && age < 60)).toBe(true);
    }));

  it("refuses what a file system would refuse", () =>
    session(async ({ client }) => {
      const dir = client.directory().withNewFile("f", "").withNewFile("d/f", "").withSymlink("f", "l");
      const sub = dir.directory("d");
      const long = `d/${"é".repeat(128)}`;
      await expect(sub.withNewDirectory("../x").sync()).rejects.toThrow("outside parent");
      await expect(sub.findUp("f", "../..")).rejects.toThrow("outside parent");
      await expect(dir.withNewFile(long, "").sync()).rejects.toThrow("255 characters");
      await expect(client.file("a/b", "").sync()).rejects.toThrow("must not contain a directory");
      await expect(client.file("a".repeat(256), "").sync()).rejects.toThrow("255 characters");
      await expect(dir.stat("").name()).rejects.toThrow(": no such file or directory");
      for (const name of ["l", "f", "d"])
        await expect(dir.withSymlink("x", name).sync()).rejects.toThrow(`symlink x ${name}: file exists`);
    }));

  it("names a missing path in the error", () =>
    session(async ({ client }) => {
      const dir = client.directory().withNewFile("f", "");
      await expect(dir.file("none").contents()).rejects.toThrow("none: no such file or directory");
      await expect(dir.directory("none").entries()).rejects.toThrow("none: no such file or directory");
      await expect(dir.directory("f").entries()).rejects.toThrow("path f is a file, not a directory");
      await expect(dir.file("/").contents()).rejects.toThrow("path / is a directory, not a file");
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
      await expect(file.withReplaced("a", "x").sync()).rejects.toThrow("found multiple times");
      await expect(file.withReplaced("z", "x").sync()).rejects.toThrow("not found");
    }));
});
