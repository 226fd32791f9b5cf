import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { packTree, unpackTree } from "../src/store/archive.ts";
import { exportFile, exportTree } from "../src/store/export.ts";
import { scanHostDirectory } from "../src/store/host.ts";
import { writeHostText } from "../src/store/replace.ts";
import { Store } from "../src/store/store.ts";
import { checkTarget, type TargetKind } from "../src/store/target.ts";
import { type Entry, newDirectory, newFile, Tree } from "../src/store/tree.ts";
import { temporaryFolder } from "./folder.ts";
import { post, withSession } from "./support.ts";
import { asRoot, asUser } from "./user.ts";

const isRoot = process.getuid?.() === 0;
const store = new Store(temporaryFolder());

async function file(text: string, mode = 0o644): Promise<Entry> {
  const { digest, size } = await store.putBlob(text);
  return newFile(digest, size, mode);
}

/** A folder with `file` (old), `full/kept` and `empty/`. */
function target(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "full"));
  mkdirSync(join(folder, "empty"));
  writeFileSync(join(folder, "file"), "old");
  writeFileSync(join(folder, "full/kept"), "kept");
  return folder;
}

/** All paths below a folder, with the content of files: what a refused export must not change. */
function content(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true }) as string[];
  const read = (name: string): string => {
    const found = lstatSync(join(folder, name));
    return found.isFile() ? readFileSync(join(folder, name), "utf8") : found.isDirectory() ? "/" : "->";
  };
  return Object.fromEntries(names.sort().map((name) => [name, read(name)]));
}

const mounts: string[] = [];

afterEach(() => {
  for (const path of mounts.splice(0)) execFileSync("umount", ["--lazy", path]);
});

function mount(options: string): string {
  const path = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
  mounts.push(path);
  return path;
}

describe("a path that cannot take an export is refused before anything is written", () => {
  it.each<[what: string, path: string, kind: TargetKind, reason: RegExp]>([
    ["a file onto a directory", "full", "file", /full is a directory: give the path of a file/],
    ["a file onto a directory, with a slash", "full/", "file", /full\/ is a directory/],
    ["a file onto a parent", "full/..", "file", /is a directory/],
    ["a directory onto a file", "file", "directory", /file is not a directory: give the path of a directory/],
    ["below a file", "file/below/it", "file", /file is not a directory; choose another path/],
    ["a directory below a file", "file/below", "directory", /file is not a directory; choose another path/],
    ["a link to a directory", "to-full", "file", /is a directory/],
    ["a link to a file", "to-file", "directory", /is not a directory/],
    ["a link to itself", "loop", "file", /cannot write \S+loop: too many symbolic links/],
    ["a name that is too long", "x".repeat(300), "file", /cannot write \S+: name too long/],
  ])("%s", (_, path, kind, reason) => {
    const folder = target();
    symlinkSync("full", join(folder, "to-full"));
    symlinkSync("file", join(folder, "to-file"));
    symlinkSync("loop", join(folder, "loop"));
    const before = content(folder);
    expect(() => checkTarget(`${folder}/${path}`, kind)).toThrow(reason);
    expect(content(folder)).toEqual(before);
  });

  asRoot("on a read-only file system", () => {
    const folder = mount("size=1m");
    execFileSync("mount", ["-o", "remount,ro", folder]);
    for (const path of [folder, join(folder, "a/b")])
      expect(() => checkTarget(path, "directory")).toThrow(
        `cannot write ${path}: read-only file system; choose another path`,
      );
  });

  asRoot("on a full disk", () => {
    const folder = mount("size=16k");
    expect(() => checkTarget(join(folder, "new"), "file")).not.toThrow();
    expect(() => writeFileSync(join(folder, "filler"), Buffer.alloc(100_000))).toThrow("ENOSPC");
    expect(() => checkTarget(join(folder, "new"), "file")).toThrow(
      /cannot write .*: no space left on device/,
    );
  });

  asUser("in a folder of another user", () => {
    expect(() => checkTarget("/proc/sys/new", "file")).toThrow(/cannot write .*: permission denied/);
  });

  it("but a missing folder is created, and a file goes into a folder where that is asked for", () => {
    const folder = target();
    for (const kind of ["file", "directory", "entry"] as const) checkTarget(join(folder, "a/b/c"), kind);
    checkTarget(join(folder, "full"), "entry");
    checkTarget(join(folder, "file"), "file");
    expect(existsSync(join(folder, "a"))).toBe(false);
  });
});

describe("an exported file", () => {
  it("is written through a symbolic link, also one that leads nowhere yet", async () => {
    const folder = target();
    symlinkSync("file", join(folder, "link"));
    symlinkSync("new/made", join(folder, "dangling"));
    await exportFile(store, await file("new"), join(folder, "link"));
    await exportFile(store, await file("made"), join(folder, "dangling"));
    expect([readlinkSync(join(folder, "link")), readFileSync(join(folder, "file"), "utf8")]).toEqual([
      "file",
      "new",
    ]);
    expect(readFileSync(join(folder, "new/made"), "utf8")).toBe("made");
  });

  it("is written to a device or a pipe, which stays what it is", async () => {
    const folder = target();
    symlinkSync("/dev/null", join(folder, "null"));
    const before = lstatSync("/dev/null").mode;
    await exportFile(store, await file("x", 0o600), join(folder, "null"));
    expect([lstatSync("/dev/null").mode, lstatSync("/dev/null").isCharacterDevice()]).toEqual([before, true]);
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const [read] = await Promise.all([
      import("node:fs/promises").then(({ readFile }) => readFile(join(folder, "pipe"), "utf8")),
      exportFile(store, await file("through the pipe"), join(folder, "pipe")),
    ]);
    expect([read, lstatSync(join(folder, "pipe")).isFIFO()]).toEqual(["through the pipe", true]);
  });

  it("that cannot be written whole leaves the old one, and the reason names the path", async () => {
    await expect(exportFile(store, await file("x"), "/dev/full")).rejects.toThrow(
      "cannot write /dev/full: no space left on device; choose another path",
    );
    if (!isRoot) return;
    const folder = mount("size=64k");
    const path = join(folder, "report");
    await writeHostText(path, "old");
    const large = await file("x".repeat(500_000));
    await expect(exportFile(store, large, path)).rejects.toThrow(
      `cannot write ${path}: no space left on device`,
    );
    await expect(writeHostText(path, "x".repeat(500_000))).rejects.toThrow(
      `cannot write ${path}: no space left`,
    );
    expect(content(folder)).toEqual({ report: "old" });
  });

  it("that is interrupted leaves the old one", async () => {
    const folder = target();
    const interrupted = new AbortController();
    const large = await file("x".repeat(4_000_000));
    const exported = exportFile(store, large, join(folder, "file"), interrupted.signal);
    setImmediate(() => interrupted.abort(new Error("interrupted")));
    await expect(exported).rejects.toThrow();
    expect(content(folder)).toEqual(content(target()));
  });

  asRoot("is written in place where it is a mount point", async () => {
    const folder = target();
    const path = join(folder, "mounted");
    writeFileSync(path, "");
    execFileSync("mount", ["--bind", join(folder, "file"), path]);
    mounts.push(path);
    await exportFile(store, await file("new"), path);
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("new");
  });
});

describe("an exported directory", () => {
  const tree = async (...paths: string[]): Promise<Tree> => {
    const entry = await file("new");
    return paths.reduce(
      (made, path) => made.with(path, path.endsWith("/") ? newDirectory() : entry),
      Tree.empty,
    );
  };

  it.each([
    ["a file never takes the place of a directory with content", "full"],
    ["a directory never takes the place of a file", "file/below"],
  ])("%s; nothing is written then", async (_, path) => {
    const folder = target();
    await expect(exportTree(store, await tree("aaa", path), folder)).rejects.toThrow(/: remove it first/);
    expect(content(folder)).toEqual(content(target()));
    await exportTree(store, await tree("aaa", path), folder, { wipe: true });
    expect(content(folder)).toMatchObject({ aaa: "new", [path]: "new" });
  });

  it("replaces files and links of the same path, and keeps everything else", async () => {
    const folder = target();
    const elsewhere = target();
    symlinkSync(elsewhere, join(folder, "linked"));
    symlinkSync(join(elsewhere, "file"), join(folder, "link"));
    await exportTree(store, await tree("file", "linked/full", "link", "empty"), folder);
    expect(content(folder)).toEqual({
      empty: "new",
      file: "new",
      full: "/",
      "full/kept": "kept",
      link: "new",
      linked: "/",
      "linked/full": "new",
    });
    expect(content(elsewhere)).toEqual(content(target()));
  });

  it("is written into a directory that a link names, also one that does not exist yet", async () => {
    const folder = target();
    symlinkSync("full", join(folder, "link"));
    symlinkSync("made", join(folder, "dangling"));
    for (const name of ["link", "dangling"]) await exportTree(store, await tree("x"), join(folder, name));
    expect(content(folder)).toMatchObject({ "full/kept": "kept", "full/x": "new", "made/x": "new" });
  });

  it("never wipes the root of the file system, also through a link", async () => {
    const link = join(temporaryFolder(), "root");
    symlinkSync("/", link);
    await expect(exportTree(store, Tree.empty, link, { wipe: true })).rejects.toThrow("will not be wiped");
  });

  it("keeps the hard links that were read, or unpacked from an archive, as long as the files are equal", async () => {
    const source = temporaryFolder();
    mkdirSync(join(source, "sub"));
    writeFileSync(join(source, "one"), "1");
    for (const name of ["same", "sub/same", "changed"]) linkSync(join(source, "one"), join(source, name));
    const read = await scanHostDirectory(store, source);
    const unpacked = await unpackTree(store, packTree(store, read.subtree("")));
    expect(unpacked.digest).toBe(read.digest);
    for (const tree of [read, unpacked]) {
      const to = temporaryFolder();
      writeFileSync(join(to, "same"), "old");
      await exportTree(store, tree.with("changed", { ...(tree.get("changed") as Entry), mode: 0o600 }), to);
      const inode = (name: string): number => statSync(join(to, name)).ino;
      expect([inode("same"), inode("sub/same")]).toEqual([inode("one"), inode("one")]);
      expect(inode("changed")).not.toBe(inode("one"));
    }
    rmSync(join(source, "same"));
    expect((await scanHostDirectory(store, join(source, "sub"))).get("same")).not.toHaveProperty("hard");
  });

  it("keeps the mode of files, and takes files into its read-only folders", async () => {
    const folder = temporaryFolder();
    const made = Tree.empty.with("bin", newDirectory(0o555)).with("bin/run", await file("x", 0o755));
    await exportTree(store, made, folder);
    expect([
      lstatSync(join(folder, "bin")).mode & 0o777,
      lstatSync(join(folder, "bin/run")).mode & 0o777,
    ]).toEqual([0o555, 0o755]);
    chmodSync(join(folder, "bin"), 0o755);
  });
});

describe("the field export", () => {
  const ask = (workdir: string, query: string): Promise<string> =>
    withSession({ storePath: store.path, workdir, withDocker: false }, async ({ engine }) =>
      (await post(engine, query)).text(),
    );

  it("checks its path before it evaluates what is exported", async () => {
    const folder = target();
    const missing = '{ host { directory(path: "full") { ';
    expect(await ask(folder, `${missing} file(path: "missing") { export(path: "empty") } } } }`)).toContain(
      "empty is a directory",
    );
    expect(
      await ask(folder, `${missing} directory(path: "missing") { export(path: "file") } } } }`),
    ).toContain("file is not a directory");
    for (const path of ["full", "full/", "..", "./"])
      expect(
        await ask(folder, `{ container { withExec(args: ["x"]) { export(path: "${path}") } } }`),
      ).toContain("is a directory: give the path of a file");
    const named = 'withEnvVariable(name: "D", value: "full") { export(path: "$D/", expand: true) }';
    expect(await ask(folder, `{ container { ${named} } }`)).toContain(
      "is a directory: give the path of a file",
    );
    expect(content(folder)).toEqual(content(target()));
  });

  it("writes each time it is selected, also within a session", async () => {
    const folder = temporaryFolder();
    await withSession({ storePath: store.path, workdir: folder, withDocker: false }, async ({ client }) => {
      const exported = client.file("f", "new");
      await exported.export("out");
      writeFileSync(join(folder, "out"), "changed since");
      await exported.export("out");
    });
    expect(content(folder)).toEqual({ out: "new" });
  });
});
