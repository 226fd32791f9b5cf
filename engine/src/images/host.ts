import { type ExecFileException, execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImageError } from "./errors.ts";

/** Clean-up for an early exit: running commands, temporary folders, locks. */
const pending = new Set<() => void>();
process.once("exit", () => {
  for (const undo of pending) undo();
});

/** Calls `undo` if the process exits before the returned function is called. */
export function onEarlyExit(undo: () => void): () => void {
  pending.add(undo);
  return () => void pending.delete(undo);
}

/** Runs a command on this machine and returns its standard output. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 64 << 20, env: { ...process.env, ...env } };
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      done();
      if (error) reject(failure(command, error, `${stdout}\n${stderr}`));
      else resolve(stdout);
    });
    const done = onEarlyExit(() => void child.kill("SIGTERM"));
  });
}

function failure(command: string, error: ExecFileException, output: string): ImageError {
  return error.code === "ENOENT"
    ? new ImageError("MISSING_TOOL", `${command} is not installed on this machine.`)
    : new ImageError(
        "BUILD_FAILED",
        `${command} failed on this machine (${error.code ?? error.signal}):`,
        output,
      );
}

/** True if `command` is on the PATH. */
export async function has(command: string): Promise<boolean> {
  return run("sh", ["-c", 'command -v "$0"', command]).then(
    () => true,
    () => false,
  );
}

let installing: Promise<unknown> = Promise.resolve();

/** Installs `command` if it is missing, as root with apt-get, and reports it; otherwise the error names the remedy. */
export async function need(
  command: string,
  packages: string[],
  report: (line: string) => void,
): Promise<void> {
  if (await has(command)) return;
  const remedy = `apt-get install ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || !(await has("apt-get"))) {
    throw new ImageError(
      "MISSING_TOOL",
      `${command} is needed to assemble images and is not installed. Install it with: ${remedy}`,
    );
  }
  report(`${command} is not installed: running ${remedy}`);
  // One at a time: apt-get holds a lock.
  installing = installing
    .catch(() => {})
    .then(() => run("apt-get", ["update", "-q"]))
    .then(() => run("apt-get", ["install", "-qy", "--no-install-recommends", ...packages], NONINTERACTIVE));
  await installing;
}

const NONINTERACTIVE = { DEBIAN_FRONTEND: "noninteractive" };

/** Calls `use` with a temporary folder and removes it afterwards, also if the process exits early. */
export async function withTempDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "stackline-image-"));
  const done = onEarlyExit(() => rmSync(dir, { recursive: true, force: true }));
  try {
    return await use(dir);
  } finally {
    done();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The file's content, or undefined if it cannot be read. */
export const readIfThere = (path: string): Promise<Buffer | undefined> =>
  readFile(path).catch(() => undefined);
