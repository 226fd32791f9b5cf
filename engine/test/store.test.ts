import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isAlive, ownProcess } from "../src/store/process.ts";
import { Store } from "../src/store/store.ts";
import { temporaryFolder } from "./folder.ts";
import { asRoot } from "./user.ts";

const dead = ownProcess().replace(/^\d+/, "999999999");

describe("the store", () => {
  it("returns a blob by its digest", async () => {
    const store = new Store(temporaryFolder());
    const large = Buffer.alloc(1_000_000, "x");
    for (const content of ["", "text", large]) {
      const { digest, size } = await store.putBlob(content);
      expect(await store.writeBlob(Readable.from([Buffer.from(content)]))).toEqual({ digest, size });
      expect(store.readBlobText(digest)).toBe(content.toString());
    }
    const { digest } = await store.putBlob("0123456789");
    expect(() => store.readBlobText(digest, 9)).toThrow("file size 10 exceeds limit 9");
    expect(store.readBlobTail((await store.putBlob("0123456789")).digest, 4)).toEqual({
      text: "6789",
      omitted: 6,
    });
  });

  it("leaves nothing behind after an aborted write", async () => {
    const store = new Store(temporaryFolder());
    const broken = Readable.from(
      (function* () {
        yield Buffer.alloc(600_000);
        throw new Error("broken off");
      })(),
    );
    await expect(store.writeBlob(broken)).rejects.toThrow("broken off");
    expect(readdirSync(join(store.path, "tmp"))).toEqual([]);
    expect(readdirSync(join(store.path, "blobs"))).toEqual([]);
  });

  it("is readable only by its owner", () => {
    const store = new Store(join(temporaryFolder(), "new"));
    expect(statSync(join(store.path, "blobs")).mode & 0o077).toBe(0);
    void store.macKey;
    expect(statSync(join(store.path, "key")).mode & 0o077).toBe(0);
  });

  it("has one MAC key for each path", () => {
    const path = temporaryFolder();
    expect(new Store(path).macKey).toEqual(new Store(path).macKey);
    expect(new Store(temporaryFolder()).macKey).not.toEqual(new Store(path).macKey);
  });

  it("ignores a record that cannot be parsed", async () => {
    const store = new Store(temporaryFolder());
    await store.putResult("kind", "key", { a: 1 });
    expect(store.getResult("kind", "key")).toEqual({ a: 1 });
    expect(store.getResult("kind", "other")).toBeUndefined();
    writeFileSync(join(store.path, "results/kind/key.json"), '{"a":');
    expect(store.getResult("kind", "key")).toBeUndefined();
  });

  it("removes the temporary files of killed processes, and no others", () => {
    const store = new Store(temporaryFolder());
    const tmp = join(store.path, "tmp");
    mkdirSync(join(tmp, `${dead}_folder`));
    writeFileSync(join(tmp, `${dead}_file`), "");
    writeFileSync(store.tmpPath(), "");
    writeFileSync(join(tmp, "unknown"), "");
    store.reap();
    expect(readdirSync(tmp)).toHaveLength(2);
    expect(existsSync(join(tmp, "unknown"))).toBe(true);
  });

  asRoot("leaves another user's temporary files alone, even as root (needs root)", () => {
    const store = new Store(temporaryFolder());
    const path = join(store.path, "tmp", `${dead}_of-another-user`);
    mkdirSync(path);
    chownSync(path, 12345, 12345);
    store.reap();
    expect(existsSync(path)).toBe(true);
  });
});

describe("a process identifier", () => {
  it("tells whether the process may still be running", () => {
    expect(isAlive(ownProcess())).toBe(true);
    expect(isAlive(dead)).toBe(false);
    // The same PID with another start time is a later process.
    expect(isAlive(ownProcess().replace(/\.\d+\./, ".1."))).toBe(false);
    expect(isAlive(ownProcess().replace(/[^.]+$/, "other-machine"))).toBe(true);
    expect(isAlive("no name")).toBe(true);
  });

  asRoot("of another user's process is alive where /proc hides it", () => {
    const module = fileURLToPath(new URL("../src/store/process.ts", import.meta.url));
    const script = `import(${JSON.stringify(module)}).then(({ isAlive, ownProcess }) =>
      console.log(isAlive(ownProcess().replace(/^\\d+\\.\\d+/, "1.5"))))`;
    const hide =
      'mount -t proc -o hidepid=2 proc /proc && setpriv --reuid=54321 --regid=54321 --clear-groups "$0" --import tsx -e "$1"; exit';
    const inside = ["--mount", "--pid", "--fork", "sh", "-c", hide, process.execPath, script];
    expect(execFileSync("unshare", inside, { encoding: "utf8" })).toBe("true\n");
  });
});
