import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scanHostDirectory, scanHostFile } from "../src/store/host.ts";
import { Store } from "../src/store/store.ts";
import { temporaryFolder } from "./folder.ts";

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
