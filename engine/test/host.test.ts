import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { scanHostDirectory, scanHostFile } from "../src/store/host.ts";
import { Store } from "../src/store/store.ts";
import { temporaryFolder } from "./folder.ts";
import { withSession } from "./support.ts";

const store = new Store(temporaryFolder());

function notUtf8(folder: string): void {
  execFileSync("sh", ["-c", `cd "$0" && : > "$(printf 'caf\\351')"`, folder]);
}

describe("a host folder", () => {
  it("is read without the files that vanish meanwhile", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "z"));
    writeFileSync(join(folder, "z", "kept"), "");
    // Some of these turns fall between the listing of the folder and the reading of its files.
    for (let turns = 0; turns < 12; turns++) {
      for (let i = 0; i < 100; i++) writeFileSync(join(folder, `${i}.swp`), String(i));
      const scan = scanHostDirectory(store, folder);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      for (let i = 0; i < 100; i++) rmSync(join(folder, `${i}.swp`));
      expect((await scan).paths).toContain("z/kept");
    }
  });

  it("with a name that is not UTF-8 is refused, and the name is shown", async () => {
    const folder = temporaryFolder();
    notUtf8(folder);
    await expect(scanHostDirectory(store, folder)).rejects.toThrow(
      `the name of ${join(folder, "caf\uFFFD")} is not UTF-8`,
    );
  });

  it("may contain such a name if it is excluded, and a replacement character", async () => {
    const folder = temporaryFolder();
    notUtf8(folder);
    writeFileSync(join(folder, "fine\uFFFD"), "");
    const tree = await scanHostDirectory(store, folder, { exclude: ["caf*"] });
    expect(tree.paths).toEqual(["fine\uFFFD"]);
  });

  it("with a broken link and a folder named .gitignore is read", async () => {
    const folder = temporaryFolder();
    symlinkSync("nowhere", join(folder, "link"));
    mkdirSync(join(folder, ".gitignore"));
    expect((await scanHostDirectory(store, folder, { gitignore: true })).paths).toEqual([
      ".gitignore",
      "link",
    ]);
  });
});

describe("the .gitignore files of a host folder", () => {
  const made = (files: Record<string, string>): string => {
    const folder = temporaryFolder();
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  };
  const read = async (path: string): Promise<readonly string[]> =>
    (await scanHostDirectory(store, path, { gitignore: true })).paths;
  const repository = {
    ".git/HEAD": "",
    ".gitignore": "*.log\n/build/\n!keep.log\nsub/only-above\n",
    "a.log": "",
    "keep.log": "",
    "build/x": "",
    "sub/.gitignore": "!b.log\nown\n",
    "sub/b.log": "",
    "sub/c.log": "",
    "sub/only-above": "",
    "sub/own": "",
    "sub/build/x": "",
  };

  it("apply in a repository, the inner ones over the outer ones", async () => {
    const inner = [".gitignore", "b.log", "build", "build/x"];
    const root = made(repository);
    expect(await read(root)).toEqual(
      [".git", ".git/HEAD", ".gitignore", "keep.log", "sub", ...inner.map((path) => `sub/${path}`)].sort(),
    );
    expect(await read(join(root, "sub"))).toEqual(inner);
  });

  it("exclude the folder itself that is asked for", async () => {
    await expect(read(join(made(repository), "build"))).rejects.toThrow("build: no such file or directory");
  });

  it("do not apply outside a repository", async () => {
    expect(await read(made({ ".gitignore": "*", a: "" }))).toEqual([".gitignore", "a"]);
  });
});

describe("a path of the host", () => {
  it("that begins with ~ is in the home directory, for reading and writing", async () => {
    const home = temporaryFolder();
    vi.stubEnv("HOME", home);
    try {
      mkdirSync(join(home, "folder"));
      writeFileSync(join(home, "folder", "f"), "mine");
      await withSession(
        { storePath: store.path, workdir: temporaryFolder(), withDocker: false },
        async ({ client }) => {
          expect(await client.host().directory("~/folder").entries()).toEqual(["f"]);
          expect(await client.host().file("~/folder/f").contents()).toBe("mine");
          expect(await client.host().file("~/folder/f").export("~/out")).toBe(join(home, "out"));
          expect(await client.host().directory("~").export("~/all")).toBe(join(home, "all"));
          await expect(client.host().directory("~other").sync()).rejects.toThrow("~other");
        },
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("that findUp finds is relative to the working directory", async () => {
    const folder = temporaryFolder();
    const workdir = join(folder, "a", "b");
    mkdirSync(workdir, { recursive: true });
    writeFileSync(join(folder, "found"), "");
    writeFileSync(join(workdir, "near"), "");
    await withSession({ storePath: store.path, workdir, withDocker: false }, async ({ client }) => {
      const names = ["near", "found", "none"].map((name) => client.host().findUp(name));
      expect(await Promise.all(names)).toEqual(["near", "../../found", null]);
    });
  });

  it("is read once in a session, unless the call says otherwise", async () => {
    const workdir = temporaryFolder();
    const write = (text: string): void => writeFileSync(join(workdir, "f"), text);
    await withSession({ storePath: store.path, workdir, withDocker: false }, async ({ client }) => {
      for (const noCache of [false, true]) {
        write("old");
        const read = async (): Promise<string[]> => [
          await client.host().file("f", { noCache }).contents(),
          await client.host().directory(".", { noCache }).file("f").contents(),
        ];
        expect(await read()).toEqual(["old", "old"]);
        const kept = await client.host().directory(".", { noCache }).sync();
        write("new");
        expect(await read()).toEqual(noCache ? ["new", "new"] : ["old", "old"]);
        expect(await kept.file("f").contents()).toBe("old");
      }
    });
  });
});

describe("a failure of the store", () => {
  it("is not attributed to the file that was read", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "text");
    const gone = new Store(temporaryFolder());
    rmSync(gone.path, { recursive: true });
    await expect(scanHostDirectory(gone, folder)).rejects.toThrow(gone.path);
    await expect(scanHostFile(gone, join(folder, "file"))).rejects.toThrow(gone.path);
  });
});
