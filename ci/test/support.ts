import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { afterAll } from "vitest";
import { $ } from "zx";
import { isAlive } from "../../engine/src/store/process.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const docker = new Docker();

/** A folder that is removed after the file's tests. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "stackline-module-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Both streams, as a terminal shows them. */
  output: string;
  /** The last 20 lines. */
  end: string;
  /** Milliseconds. */
  elapsed: number;
}

/** Runs `scripts/dagger` as a user would, with its own cache folder. */
export function dagger(cache: string, ...args: string[]): Promise<Outcome> {
  return daggerIn(root, cache, ...args);
}

/** The same from another folder. */
export async function daggerIn(cwd: string, cache: string, ...args: string[]): Promise<Outcome> {
  const env = { ...process.env, STACKLINE_CACHE: cache, STACKLINE_ENGINE: "embedded", CI: "true" };
  const started = Date.now();
  const run = await $({
    nothrow: true,
    env,
    cwd,
    quiet: true,
    stdio: ["ignore", "pipe", "pipe"],
  })`${join(root, "scripts", "dagger")} ${args}`;
  const output = run.stdall;
  const end = output.trimEnd().split("\n").slice(-20).join("\n");
  return {
    exitCode: run.exitCode ?? -1,
    stdout: run.stdout,
    stderr: run.stderr,
    output,
    end,
    elapsed: Date.now() - started,
  };
}

/** A copy of the application for editing. */
export function copyOfApp(folder: string): string {
  const app = mkdtempSync(join(folder, "app-"));
  const skip = /(^|\/)(__pycache__|\.venv|\.[a-z]+_cache)$/;
  cpSync(join(root, "app"), app, { recursive: true, filter: (path) => !skip.test(path) });
  return app;
}

/** A copy with few tests of its own, because all of them take 20 s, and with these files. */
export function smallApp(folder: string, files: Record<string, string> = {}): string {
  const app = copyOfApp(folder);
  for (const path of readdirSync(app, { recursive: true, encoding: "utf8" }))
    if (/(^|\/)test_\w+\.py$/.test(path) && !path.endsWith("test_reasons.py")) rmSync(join(app, path));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    writeFileSync(join(app, path), text);
  }
  return app;
}

export function edit(path: string, change: (text: string) => string): void {
  const before = readFileSync(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`nothing to change in ${path}`);
  writeFileSync(path, after);
}

/** Containers, networks and volumes of sessions that have ended. Other tests may run at the same time: theirs do not count. */
export async function leftovers(): Promise<string[]> {
  const filters = { label: ["dev.stackline.session"] };
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters });
  const { Volumes } = await docker.listVolumes({ filters });
  const isLeft = ({ Labels }: { Labels?: Record<string, string> }): boolean => {
    const owner = Labels?.["dev.stackline.owner"];
    return owner === undefined || !isAlive(owner);
  };
  return [
    ...containers.filter(isLeft).map((c) => `container ${c.Names[0]}`),
    ...networks.filter(isLeft).map((n) => `network ${n.Name}`),
    ...(Volumes ?? []).filter(isLeft).map((v) => `volume ${v.Name}`),
  ];
}

/** The running containers of sessions that this test started: others may test on the same machine. */
export async function ownContainers(): Promise<Docker.ContainerInfo[]> {
  const filters = { label: ["dev.stackline.session"], status: ["running"] };
  const all = await docker.listContainers({ filters });
  return all.filter(({ Names }) => isDescendant(Number(/_(\d+)\./.exec(Names[0] ?? "")?.[1])));
}

function isDescendant(pid: number): boolean {
  if (!(pid > 1) || !existsSync(`/proc/${pid}`)) return false;
  const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return pid === process.pid || isDescendant(Number(parent));
}
