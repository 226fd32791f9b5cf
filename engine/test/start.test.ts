import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { provideSdk, type SdkFiles } from "../src/module/sdk.ts";
import { cacheDirectory } from "../src/store/location.mjs";
import { Store } from "../src/store/store.ts";
import { commandLine, expectOneLine, fail, sample, whatFailed } from "./command.ts";
import { temporaryFolder } from "./folder.ts";
import { asRoot } from "./user.ts";

function outputOf(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (output += text));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

describe("the cache directory", () => {
  const here = process.cwd();
  it.each([
    [{ HOME: "/home/me" }, "/home/me/.cache/stackline"],
    [{ HOME: "/home/me", XDG_CACHE_HOME: "/caches" }, "/caches/stackline"],
    [{ HOME: "/home/me", XDG_CACHE_HOME: "/caches", STACKLINE_CACHE: "/mine" }, "/mine"],
    [{ HOME: "/home/me", STACKLINE_CACHE: "mine" }, join(here, "mine")],
    [{ HOME: "/home/me", XDG_CACHE_HOME: "caches" }, join(here, "caches/stackline")],
    [{ HOME: "me" }, join(here, "me/.cache/stackline")],
    [{ HOME: "/home/me", XDG_CACHE_HOME: "", STACKLINE_CACHE: "" }, "/home/me/.cache/stackline"],
  ])("for %j is %s", (env, path) => {
    expect(cacheDirectory(env)).toBe(path);
  });

  it("without HOME is in the home directory that the system names", () => {
    const home = execFileSync("sh", ["-c", "eval echo ~$(id -un)"], { encoding: "utf8" }).trim();
    for (const env of [{}, { HOME: "" }]) expect(cacheDirectory(env)).toBe(join(home, ".cache/stackline"));
  });

  it("may be relative to the working directory of a command that runs a module", { timeout: 60_000 }, () => {
    const cwd = temporaryFolder();
    const env = { ...process.env, STACKLINE_CACHE: "my cache" };
    const { status, stderr } = spawnSync(...commandLine(["-m", sample, "functions"]), {
      cwd,
      env,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    expect(readdirSync(cwd)).toEqual(["my cache"]);
  });

  it("that is a file is named, with the variable that moves it", { timeout: 60_000 }, () => {
    const path = join(temporaryFolder(), "file");
    writeFileSync(path, "");
    const line = new RegExp(
      `^Error: the cache directory ${path} cannot be used \\(E.*: set STACKLINE_CACHE to `,
    );
    expectOneLine(fail(["-m", sample, "functions"], { STACKLINE_CACHE: path }), line);
  });

  asRoot("on a read-only file system is named, too", { timeout: 60_000 }, () => {
    const folder = temporaryFolder();
    const mounted = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"';
    const [program, words] = commandLine(["-m", sample, "functions"]);
    const inside = ["--mount", "sh", "-c", mounted, folder, program, ...words];
    const { STACKLINE_CACHE: _, XDG_CACHE_HOME: __, ...env } = process.env;
    const { status, stderr } = spawnSync("unshare", inside, {
      env: { ...env, HOME: folder },
      encoding: "utf8",
    });
    const line = new RegExp(
      `^Error: the cache directory ${folder}/.cache/stackline cannot be used \\(EROFS.*: set STACKLINE_CACHE to `,
    );
    expectOneLine({ code: status, said: whatFailed(stderr) }, line);
  });

  asRoot("with files of another user says whose, and how to take them over", () => {
    const path = temporaryFolder();
    void new Store(path).macKey;
    const store = fileURLToPath(new URL("../src/store/store.ts", import.meta.url));
    const script = `import(${JSON.stringify(store)}).then(({ Store }) => new Store(${JSON.stringify(path)}).macKey)`;
    const as = ["--reuid=54321", "--regid=54321", "--clear-groups", process.execPath];
    chmodSync(path, 0o755);
    const { stderr } = spawnSync("setpriv", [...as, "--import", "tsx", "-e", script], { encoding: "utf8" });
    expect(stderr).toMatch(
      `cannot be used (EACCES: permission denied, open '${path}/key'): it has files of user 0: take them over with "sudo chown -R 54321 ${path}", or set STACKLINE_CACHE`,
    );
  });
});

describe("a start", { timeout: 120_000 }, () => {
  it("compiles into the cache directory, and once", () => {
    const STACKLINE_CACHE = temporaryFolder();
    const code = join(STACKLINE_CACHE, "code");
    const start = (): void => {
      execFileSync(...commandLine(["version"]), { env: { ...process.env, STACKLINE_CACHE } });
    };
    start();
    const made = readdirSync(code);
    expect(made).toHaveLength(1);
    start();
    expect(readdirSync(code)).toEqual(made);
  });

  it("works while others compile the same", async () => {
    const STACKLINE_CACHE = temporaryFolder();
    const start = (): ChildProcess =>
      spawn(...commandLine(["version"]), { env: { ...process.env, STACKLINE_CACHE } });
    const outcomes = await Promise.all(Array.from({ length: 6 }, start).map(outputOf));
    expect(outcomes.filter(({ code }) => code !== 0)).toEqual([]);
    expect(readdirSync(join(STACKLINE_CACHE, "code"))).toHaveLength(1);
  });

  it("makes the SDK's bundle while others make the same", async () => {
    const path = temporaryFolder();
    const made = await Promise.all([1, 2, 3].map(() => provideSdk(new Store(path), sample)));
    expect(new Set(made.map(({ entrypoint }) => entrypoint)).size).toBe(1);
    for (const file of Object.values(made[0] as SdkFiles)) expect(existsSync(file)).toBe(true);
    expect(readdirSync(join(path, "tmp"))).toEqual([]);
  });

  it("leaves what other checkouts have compiled, and removes what was not used for a week", () => {
    const STACKLINE_CACHE = temporaryFolder();
    const code = join(STACKLINE_CACHE, "code");
    mkdirSync(code);
    const [used, unused] = [join(code, "engine-0123.mjs"), join(code, "engine-4567.mjs")];
    for (const path of [used, unused]) writeFileSync(path, "");
    const old = Date.now() / 1000 - 8 * 24 * 3600;
    utimesSync(unused, old, old);
    execFileSync(...commandLine(["version"]), { env: { ...process.env, STACKLINE_CACHE } });
    expect([existsSync(used), existsSync(unused)]).toEqual([true, false]);
  });
});
