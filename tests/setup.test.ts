import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const isRoot = process.getuid?.() === 0;
/** A user without a name, a home directory or any group. */
const STRANGER = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];

/** The scripts, where every user can read them. */
const folder = temporaryFolder();
chmodSync(folder, 0o755);
cpSync(fileURLToPath(new URL("../scripts/lib", import.meta.url)), join(folder, "lib"), { recursive: true });

interface Outcome {
  code: number | null;
  said: string;
}

/** Runs lines of bash that use setup.sh, optionally as another user. */
function run(script: string, env: NodeJS.ProcessEnv = {}, as: string[] = []): Outcome {
  const [program = "", ...words] = [...as, "bash", "-c", `root=/; . ${folder}/lib/setup.sh; ${script}`];
  const clean = { PATH: process.env.PATH, HOME: folder };
  const { status, stderr } = spawnSync(program, words, { env: { ...clean, ...env }, encoding: "utf8" });
  return { code: status, said: stderr };
}

describe("Docker runs", () => {
  const served = join(folder, "served.sock");
  const stale = join(folder, "stale.sock");
  const server = createServer().listen(served);
  const asked = (socket: string, env: NodeJS.ProcessEnv = {}, as: string[] = []): Outcome =>
    run(`docker_socket=${socket}; docker_runs`, env, as);

  beforeAll(async () => {
    chmodSync(served, 0o666);
    const listen = `require("net").createServer().listen(${JSON.stringify(stale)}, () => console.log())`;
    const killed = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((up) => killed.stdout.once("data", up));
    killed.kill("SIGKILL");
    await new Promise((end) => killed.once("exit", end));
  });
  afterAll(() => server.close());

  it("if its socket is served", () => {
    expect(asked(served)).toEqual({ code: 0, said: "" });
  });

  it.runIf(isRoot)("for an ordinary user, too, whoever started it", () => {
    expect(asked(served, {}, STRANGER)).toEqual({ code: 0, said: "" });
  });

  it("not if its socket is missing, or left over from a process that has ended", () => {
    expect(existsSync(stale)).toBe(true);
    expect(asked(stale)).toEqual({ code: 1, said: "" });
    expect(asked(join(folder, "no.sock"))).toEqual({ code: 1, said: "" });
  });

  it.runIf(isRoot)("but a user who may not open its socket is told how to", () => {
    chmodSync(served, 0o600);
    try {
      const { code, said } = asked(served, {}, STRANGER);
      expect(said).toMatch(/^stackline: 54321 may not open .*served\.sock: .*usermod -aG docker 54321.*\n$/);
      expect(code).toBe(1);
    } finally {
      chmodSync(served, 0o666);
    }
  });

  it("elsewhere if its variables or its current context say so", () => {
    const config = temporaryFolder();
    const withContext = (currentContext: string): NodeJS.ProcessEnv => {
      writeFileSync(join(config, "config.json"), JSON.stringify({ currentContext }));
      return { DOCKER_CONFIG: config };
    };
    const codes = [
      { DOCKER_HOST: "tcp://docker:2375" },
      { DOCKER_CONTEXT: "other" },
      withContext("other"),
    ].map((env) => asked(stale, env).code);
    expect(codes).toEqual([0, 0, 0]);
    expect(asked(stale, withContext("default")).code).toBe(1);
  });
});

describe("the npm packages", { timeout: 60_000 }, () => {
  /** A project with a package, one for development and a workspace, which npm installs without a registry. */
  function project(): string {
    const root = temporaryFolder();
    chmodSync(root, 0o755);
    const write = (path: string, content: object): void => {
      mkdirSync(join(root, path), { recursive: true });
      writeFileSync(join(root, path, "package.json"), JSON.stringify({ version: "1.0.0", ...content }));
    };
    write(".", {
      name: "project",
      workspaces: ["part"],
      dependencies: { used: "file:used" },
      devDependencies: { tool: "file:tool" },
    });
    write("part", { name: "part" });
    write("used", { name: "used" });
    write("tool", { name: "tool", bin: "tool.js" });
    writeFileSync(join(root, "tool", "tool.js"), "#!/usr/bin/env node\n");
    const words = ["install", "--package-lock-only", "--offline", "--no-audit", "--no-fund"];
    expect(spawnSync("npm", words, { cwd: root }).status).toBe(0);
    return root;
  }
  const install = (root: string, env: NodeJS.ProcessEnv = {}): Outcome =>
    run(`install_packages ${JSON.stringify(root)}`, { npm_config_offline: "true", ...env });
  const isComplete = (root: string): boolean =>
    ["used", "tool", "part", ".bin/tool"].every((name) => existsSync(join(root, "node_modules", name)));

  it.each<NodeJS.ProcessEnv>([
    { NODE_ENV: "production", NPM_CONFIG_PRODUCTION: "true", npm_config_omit: "dev" },
    { npm_config_global: "true", npm_config_location: "global" },
    { npm_config_local_prefix: "/nonexistent", npm_config_prefix: "/nonexistent" },
    { npm_config_workspace: "part", NPM_CONFIG_WORKSPACES: "false" },
    { npm_config_dry_run: "true", npm_config_package_lock_only: "true" },
    {
      npm_config_install_strategy: "linked",
      npm_config_bin_links: "false",
      npm_config_ignore_scripts: "true",
    },
  ])("are all installed, those for development included, with %j", (env) => {
    const root = project();
    expect(install(root, env)).toMatchObject({ code: 0 });
    expect(isComplete(root)).toBe(true);
  });

  it("are installed once", () => {
    const root = project();
    expect(install(root).said).toContain("installing the npm packages");
    expect(install(root)).toEqual({ code: 0, said: "" });
  });

  it("are installed again if some are missing, or npm has recorded another installation", () => {
    const root = project();
    install(root);
    rmSync(join(root, "node_modules", "tool"));
    expect(install(root).code).toBe(0);
    expect(isComplete(root)).toBe(true);
    spawnSync("npm", ["prune", "--omit=dev", "--offline"], { cwd: root });
    expect(isComplete(root)).toBe(false);
    expect(install(root).code).toBe(0);
    expect(isComplete(root)).toBe(true);
    rmSync(join(root, "node_modules", ".package-lock.json"));
    expect(install(root).said).toContain("installing the npm packages");
  });

  it.runIf(isRoot)("are installed for a user without a home directory", () => {
    const root = project();
    spawnSync("chown", ["-R", "54321", root]);
    const env = { HOME: "/", npm_config_offline: "true" };
    expect(run(`install_packages ${root}`, env, STRANGER)).toMatchObject({ code: 0 });
    expect(isComplete(root)).toBe(true);
  });

  it("are found in a path with spaces and letters beyond ASCII", () => {
    const root = join(temporaryFolder(), "Projekte – fünf & mehr");
    cpSync(project(), root, { recursive: true });
    expect(install(root)).toMatchObject({ code: 0 });
    expect(isComplete(root)).toBe(true);
  });

  it.runIf(isRoot)(
    "of another user serve as they are; missing ones are not written into that user's folder",
    () => {
      const root = project();
      const asked = (): Outcome => run(`install_packages ${root}`, { HOME: "/nonexistent" }, STRANGER);
      expect(asked().said).toMatch(
        /^stackline: the npm packages must be installed, but \S+ is not writable by 54321: .*\n$/,
      );
      install(root);
      expect(asked()).toEqual({ code: 0, said: "" });
    },
  );
});
