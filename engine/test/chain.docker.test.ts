import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type Chain, runChain } from "../src/cli/chain.ts";
import { findEnvFiles } from "../src/cli/dotenv.ts";
import { defaults } from "../src/cli/options.ts";
import { sample } from "./command.ts";
import { temporaryFolder, withSession } from "./support.ts";

const storePath = temporaryFolder();
const workdir = temporaryFolder();
mkdirSync(join(workdir, "scripts"));
writeFileSync(join(workdir, "scripts", "script"), "");

const KEY = "STACKLINE_TEST_KEY";
const site = ["site", "--env=prod", `--ssh-key=env://${KEY}`, "--scripts=scripts"];

interface Ran extends Chain {
  /** Functions that ran in a process of their own, and those that the cache answered. */
  ran: string[];
  cached: string[];
}

/** One command line in a session of its own. */
function call(...words: string[]): Promise<Ran> {
  return withSession({ storePath, workdir, withDocker: false }, async ({ engine, view }) => {
    const { config } = await engine.loadModule(sample);
    const chain = await runChain(engine, words, defaults, findEnvFiles(workdir, config.root));
    return { ...chain, ran: view.named("done"), cached: view.named("cached") };
  });
}

async function status(
  ...words: string[]
): Promise<{ env: string; key: string; names: string[]; mark: string }> {
  return JSON.parse((await call(...words)).result as string);
}

beforeEach(() => {
  process.env[KEY] = "first";
  writeFileSync(join(workdir, ".env"), "");
});

describe("a function that returns an object", () => {
  it("is answered from the cache while its arguments are unchanged: only what follows starts a process", async () => {
    const before = await status(...site, "status");
    const { result, ran, cached } = await call(...site, "status");
    expect([ran, cached]).toEqual([["Site.status"], ["Sample.site"]]);
    expect(JSON.parse(result as string)).toEqual(before);
  });

  it("keeps a secret and a directory in fields that nothing exposes", async () => {
    expect(await status(...site, "status")).toMatchObject({ env: "prod", key: "first", names: ["script"] });
  });

  it("runs again for a changed argument, and for a changed secret", { tags: ["slow"] }, async () => {
    const before = await status(...site, "status");
    const { mark, ...other } = await status("site", "--env=staging", ...site.slice(2), "status");
    expect(other).toMatchObject({ env: "staging", key: "first" });
    process.env[KEY] = "second";
    const after = await status(...site, "status");
    expect(after.key).toBe("second");
    expect(new Set([before.mark, mark, after.mark]).size).toBe(3);
  });

  it("passes a changed secret on to functions that are cached", { tags: ["slow"] }, async () => {
    expect((await call(...site, "key-length")).result).toBe(5);
    process.env[KEY] = "longer";
    expect((await call(...site, "key-length")).result).toBe(6);
    expect((await call(...site, "key-length")).cached).toEqual(["Sample.site", "Site.keyLength"]);
  });

  it("lists the object's functions in its help, and no private field", async () => {
    const { help = "" } = await call("site", "--help");
    const [, listed = ""] = /FUNCTIONS\n([\s\S]*?)\n\n/.exec(help) ?? [];
    expect(listed.split("\n").map((line) => line.trim().split(" ")[0])).toEqual([
      "exec",
      "key-length",
      "status",
    ]);
    expect(help).not.toMatch(/mark/);
  });

  it("takes defaults from .env; the functions that follow do not, as in the official command line", {
    tags: ["slow"],
  }, async () => {
    const site = ["SITE_ENV=staging", `SITE_SSHKEY=env://${KEY}`, "SITE_SCRIPTS=scripts"];
    const lines = [...site, "SITE_EXEC_COMMAND=ls", "EXEC_COMMAND=ls"];
    // The file is not in the module's folder: names in it start with the module's.
    writeFileSync(join(workdir, ".env"), lines.map((line) => `SAMPLE_${line}`).join("\n"));
    expect(await status("site", "status")).toMatchObject({
      env: "staging",
      key: "first",
    });
    await expect(call("site", "exec")).rejects.toThrow('required flag(s) "command" not set');
    expect((await call("site", "exec", "--command=ls")).result).toBe("staging: ls all");
  });
});
