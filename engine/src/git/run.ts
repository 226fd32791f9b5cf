import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { UserError } from "../core/errors.ts";

export interface GitOptions {
  folder: string;
  signal: AbortSignal;
  /** Settings that only this command has. They reach git by its environment: values may be secret. */
  config?: Readonly<Record<string, string>>;
  env?: NodeJS.ProcessEnv;
  /** Exit codes that are no failure, beside 0. */
  allowed?: readonly number[];
}

/** A git command that failed, with what it printed. */
export class GitError extends UserError {
  constructor(
    readonly command: string,
    readonly output: string,
  ) {
    super(`git ${command}: ${output}`);
  }
}

/**
 * The environment of every git command: no setting of the machine or the user applies, and none asks a question.
 * Nothing of a repository that git finds there may run a program.
 */
const ENVIRONMENT: NodeJS.ProcessEnv = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "true",
  HOME: "/dev/null",
  LC_ALL: "C",
};

const SETTINGS = {
  "core.fsmonitor": "false",
  "core.hooksPath": "/dev/null",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "safe.directory": "*",
};

/** Modes of files must not depend on the user's umask. */
const COMMAND = 'umask 022; exec git "$@"';

/** The shell's exit code for a program that does not exist. */
const NOT_FOUND = 127;

/** The words of git's configuration as environment variables. */
function configured(config: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const entries = Object.entries(config);
  const pairs = entries.flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(entries.length), ...Object.fromEntries(pairs) };
}

/**
 * Runs git; returns its output.
 * @throws GitError when it fails.
 */
export async function git(
  args: readonly string[],
  { folder, signal, config = {}, env = {}, allowed = [] }: GitOptions,
): Promise<string> {
  const child = spawn("sh", ["-c", COMMAND, "git", ...args], {
    cwd: folder,
    signal,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      // A repository above the folder is not this one.
      GIT_CEILING_DIRECTORIES: folder,
      ...ENVIRONMENT,
      ...configured({ ...SETTINGS, ...config }),
      ...env,
    },
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve(code ?? -1));
  });
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0 || allowed.includes(code)) return output;
  if (code === NOT_FOUND)
    throw new UserError("git is missing on this machine: install it, e.g. with apt-get install git");
  throw new GitError(args.find((arg) => !arg.startsWith("-")) ?? "", shown(errors || output, folder));
}

/** What git says, without names of temporary folders and without an address's credentials; and what to do. */
function shown(output: string, folder: string): string {
  const said = output
    .replaceAll(`${folder}/`, "")
    .replace(/:\/\/[^/@\s]*@/g, "://")
    .trim();
  const isUnknown = said.includes("Host key verification failed");
  return isUnknown
    ? `${said}: give the server's key as sshKnownHosts, or add it to ~/.ssh/known_hosts`
    : said;
}
