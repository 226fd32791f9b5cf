import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Changeset,
  type Client,
  type Directory,
  ChangesetMergeConflict as OnConflict,
  ChangesetsMergeConflict as OnConflicts,
} from "@dagger.io/dagger";
import { describe, expect, it } from "vitest";
import { temporaryFolder, withSession } from "./support.ts";

const workdir = temporaryFolder();
const storePath = temporaryFolder();
const session = <T>(use: (client: Client) => Promise<T>): Promise<T> =>
  withSession({ storePath, workdir, withDocker: false }, ({ client }) => use(client));

const withFiles = (dir: Directory, files: Record<string, string>): Directory =>
  Object.entries(files).reduce((made, [path, text]) => made.withNewFile(path, text), dir);

const pathsOf = (changes: Changeset): Promise<string[][]> =>
  Promise.all([changes.addedPaths(), changes.modifiedPaths(), changes.removedPaths()]);

describe("a changeset", () => {
  it("names what was added, modified and removed, folders with a slash", () =>
    session(async (client) => {
      const before = withFiles(client.directory(), {
        same: "1",
        text: "old",
        gone: "x",
        "old/a/b": "",
        swap: "",
      })
        .withSymlink("same", "link")
        .withNewFile("run", "", { permissions: 0o644 });
      const after = withFiles(client.directory(), { same: "1", text: "new", "swap/f": "", "new/f": "" })
        .withSymlink("text", "link")
        .withNewFile("run", "", { permissions: 0o755 })
        .withNewDirectory("empty");
      const changes = after.changes(before);
      expect(await pathsOf(changes)).toEqual([
        ["empty/", "new/", "new/f", "swap/", "swap/f"],
        ["link", "run", "text"],
        ["gone", "old/", "swap"],
      ]);
      expect(await changes.isEmpty()).toBe(false);
      expect(await after.changes(after.withTimestamps(1)).isEmpty()).toBe(true);
      expect(await after.changes(after.chown("", "7")).isEmpty()).toBe(true);
      expect(await client.changeset().isEmpty()).toBe(true);
      expect(await changes.layer().entries()).toEqual(["empty/", "link", "new/", "run", "swap/", "text"]);
    }));

  it("counts lines, and knows a renamed file", () =>
    session(async (client) => {
      const text = "1\n2\n3\n4\n5\n6\n7\n8\n";
      const before = withFiles(client.directory(), {
        moved: text,
        text: "a\nb\n",
        gone: "x\n",
        "dir/f": "\n",
      });
      const after = withFiles(client.directory(), { "to/here": `${text}9\n`, text: "a\nc\nd\n", blob: "\0" });
      const stats = await after.changes(before).diffStats();
      const rows = stats.map(async (stat) =>
        [
          await stat.kind(),
          await stat.path(),
          await stat.addedLines(),
          await stat.removedLines(),
          (await stat.oldPath()) ?? "",
        ].join(" "),
      );
      expect(await Promise.all(rows)).toEqual([
        "ADDED blob 0 0 ",
        "REMOVED dir/ 0 0 ",
        "REMOVED dir/f 0 1 ",
        "REMOVED gone 0 1 ",
        "MODIFIED text 2 1 ",
        "ADDED to/ 0 0 ",
        "RENAMED to/here 1 0 moved",
      ]);
    }));

  it("is applied to another directory, which keeps its own files, and so is its patch", () =>
    session(async (client) => {
      const before = withFiles(client.directory(), { text: "a\nb\n", gone: "x", "dir/f": "y" });
      const after = withFiles(client.directory(), { text: "a\nc\n", "new/f": "z", bytes: "\0\x01" });
      const changes = after.changes(before);
      const target = withFiles(before, { own: "mine", "dir/own": "" }).chown("text", "7:8");
      const applied = target.withChanges(changes);
      expect(await applied.entries()).toEqual(["bytes", "new/", "own", "text"]);
      const patched = target.withPatchFile(changes.asPatch());
      expect(await patched.entries()).toEqual(["bytes", "dir/", "new/", "own", "text"]);
      expect(await patched.file("text").contents()).toBe("a\nc\n");
      expect(await patched.file("bytes").contents()).toBe("\0\x01");
      expect(await changes.asPatch().name()).toBe("diff.patch");
      expect(await after.changes(after).asPatch().contents()).toBe("");
      expect(await before.withChanges(changes).digest()).toBe(await after.digest());
    }));

  it("is exported: what was removed goes, what it does not know stays, nothing through a link", () =>
    session(async (client) => {
      const before = withFiles(client.directory(), {
        gone: "x",
        "dir/f": "y",
        "led/out": "",
        "led/stays": "",
      });
      const changes = withFiles(client.directory(), { new: "z", "led/stays": "" }).changes(before);
      const outside = temporaryFolder();
      writeFileSync(join(outside, "out"), "kept");
      mkdirSync(join(workdir, "to/dir"), { recursive: true });
      for (const path of ["gone", "own", "dir/f"]) writeFileSync(join(workdir, "to", path), "");
      symlinkSync(outside, join(workdir, "to/led"));
      expect(await changes.export("to")).toBe(join(workdir, "to"));
      expect(readdirSync(join(workdir, "to"))).toEqual(["led", "new", "own"]);
      expect(existsSync(join(outside, "out"))).toBe(true);
    }));
});

describe("a patch", () => {
  it("changes, adds and removes files; what it does not name stays as it is", () =>
    session(async (client) => {
      const dir = client
        .directory()
        .withNewFile("text", "old\n", { permissions: 0o640 })
        .withNewFile("gone", "x\n")
        .withNewFile("kept", "", { permissions: 0o4711 })
        .withNewFile(".git/config", '[core]\n\tfsmonitor = "touch ran"\n')
        .withNewDirectory("empty")
        .chown("", "7:8");
      const patch = [
        "--- a/text\n+++ b/text\n@@ -1 +1 @@\n-old\n+new\n",
        "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
        "--- /dev/null\n+++ b/sub/made\n@@ -0,0 +1 @@\n+made\n",
      ].join("");
      const patched = dir.withPatch(patch);
      expect(await patched.entries()).toEqual([".git/", "empty/", "kept", "sub/", "text"]);
      expect(await patched.file("text").contents()).toBe("new\n");
      expect(await patched.file("sub/made").contents()).toBe("made\n");
      const left = (all: Directory): Directory =>
        all.withoutFile("text").withoutFile("gone").withoutDirectory("sub");
      expect(await left(patched).digest()).toBe(await left(dir).digest());
      expect(await dir.withPatch("").digest()).toBe(await dir.digest());
    }));

  it("that does not fit is an error, which names the file and no folder of this machine", () =>
    session(async (client) => {
      const patch = "--- a/text\n+++ b/text\n@@ -1 +1 @@\n-other\n+new\n";
      const failing = client.directory().withNewFile("text", "old\n").withPatch(patch).sync();
      await expect(failing).rejects.toThrow(/^the patch does not apply: .*text/);
      await expect(failing).rejects.not.toThrow(storePath);
    }));
});

describe("changesets that are merged", () => {
  const base = { a: "a\n", b: "b\n", c: "c\n", d: "d\n" };

  it("contain the changes of all, and the owners of each", () =>
    session(async (client) => {
      const dir = withFiles(client.directory(), base).withNewFile(".gitignore", "*.log");
      const one = withFiles(dir, { a: "one\n", "1.log": "one\n" }).chown("1.log", "7").changes(dir);
      const two = withFiles(dir.withoutFile("b"), { "2/f": "two\n" }).changes(dir);
      const three = dir.withNewFile("c", "three\n").changes(dir);
      const all = [["1.log", "2/", "2/f"], ["a", "c"], ["b"]];
      expect(await pathsOf(one.withChangeset(two).withChangeset(three))).toEqual(all);
      const merged = one.withChangesets([two, three]);
      expect(await pathsOf(merged)).toEqual(all);
      const owned = dir.withoutFile("b").withFiles(".", [merged.after().file("a"), merged.after().file("c")]);
      expect(await merged.after().withoutDirectory("2").withoutFile("1.log").digest()).toBe(
        await owned.digest(),
      );
      expect(await merged.after().file("1.log").digest()).toBe(await one.after().file("1.log").digest());
    }));

  it("that conflict fail, early or late, or are settled as the caller says", () =>
    session(async (client) => {
      const dir = withFiles(client.directory(), base);
      const ours = withFiles(dir.withoutFile("c"), { a: "ours\n", b: "ours\n", e: "ours\n" }).changes(dir);
      const theirs = withFiles(dir.withoutFile("b"), { a: "theirs\n", c: "theirs\n", d: "d2\n" }).changes(
        dir,
      );
      const textOf = async (onConflict: OnConflict, path: string): Promise<string> => {
        const after = ours.withChangeset(theirs, { onConflict }).after();
        return (await after.exists(path)) ? after.file(path).contents() : "-";
      };
      const early = ours.withChangeset(theirs, { onConflict: OnConflict.FailEarly }).sync();
      for (const path of ["a", "b", "c"])
        await expect(early).rejects.toThrow(`conflict between changesets at path "${path}"`);
      await expect(ours.withChangeset(theirs).sync()).rejects.toThrow(/cannot be merged: .*CONFLICT/s);
      const more = dir.withNewFile("x", "").changes(dir);
      const several = ours.withChangesets([more, theirs], { onConflict: OnConflicts.FailEarly });
      await expect(several.sync()).rejects.toThrow("conflict with changeset 1: ");
      const kept = OnConflict.LeaveConflictMarkers;
      expect(await textOf(kept, "a")).toMatch(/<<<<<<<.*ours.*=======.*theirs.*>>>>>>>/s);
      expect([await textOf(kept, "b"), await textOf(kept, "c")]).toEqual(["ours\n", "theirs\n"]);
      const all = (onConflict: OnConflict): Promise<string[]> =>
        Promise.all(["a", "b", "c", "d", "e"].map((path) => textOf(onConflict, path)));
      expect(await all(OnConflict.PreferOurs)).toEqual(["ours\n", "ours\n", "-", "d2\n", "ours\n"]);
      expect(await all(OnConflict.PreferTheirs)).toEqual(["theirs\n", "-", "theirs\n", "d2\n", "ours\n"]);
    }));
});
