import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { get } from "../client/request.ts";

export interface Credentials {
  username: string;
  password: string;
}

/** How long the user's credential helpers may take, in milliseconds. */
const TIMEOUT = 30_000;

/** Whether a repository's server asks for a login. One that cannot be asked does not: git then says why. */
export async function asksForLogin(remote: string, signal: AbortSignal): Promise<boolean> {
  const url = new URL(`${remote.replace(/\/$/, "")}/info/refs?service=git-upload-pack`);
  try {
    const response = await get(url, { headers: {}, signal });
    response.destroy();
    return response.statusCode === 401 || response.statusCode === 403;
  } catch {
    return false;
  }
}

/**
 * The user's own login for a repository, from the helpers in git's configuration; undefined if they have none. Nobody is asked
 * a question at the terminal.
 */
export async function findCredentials(remote: string, signal: AbortSignal): Promise<Credentials | undefined> {
  const { protocol, host, pathname } = new URL(remote);
  const { SSH_ASKPASS: _, GIT_ASKPASS = "false", ...env } = process.env;
  const child = spawn("git", ["credential", "fill"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...env, GIT_ASKPASS, GIT_TERMINAL_PROMPT: "0" },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
  });
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(-1)).once("close", (code) => resolve(code ?? -1));
  });
  // It may end without reading.
  child.stdin.on("error", () => undefined);
  child.stdin.end(`protocol=${protocol.slice(0, -1)}\nhost=${host}\npath=${pathname.slice(1)}\n\n`);
  const [printed, code] = await Promise.all([text(child.stdout).catch(() => ""), ended]);
  const values = new Map(printed.split("\n").map((line) => [line.split("=")[0], line.replace(/^\w+=/, "")]));
  const [username, password] = [values.get("username"), values.get("password")];
  return code === 0 && username && password ? { username, password } : undefined;
}
