import { UserError } from "../core/errors.ts";

/** An address of a repository, perhaps with a revision and a path in it after "#". */
export interface GitUrl {
  scheme: "http" | "https" | "ssh" | "git";
  /** Without what follows "#". */
  remote: string;
  ref: string;
  path: string;
}

const SCHEMES = ["http", "https", "ssh", "git"] as const;

/** "user@host:path", as ssh has it. */
const scp = /^[\w-]+@[\w.-]+:[^#]*/;

/**
 * Reads the address of a repository; undefined for a text that is none, such as a local path.
 * @throws UserError for a scheme that git does not have here.
 */
export function parseGitUrl(text: string): GitUrl | undefined {
  const [remote = "", ...rest] = text.split("#");
  const [ref = "", ...path] = rest.join("#").split(":");
  const parts = { remote, ref, path: path.join(":") };
  const written = /^([a-zA-Z0-9]+):\/\//.exec(remote)?.[1]?.toLowerCase();
  if (written === undefined) return scp.test(text) ? { scheme: "ssh", ...parts } : undefined;
  const scheme = SCHEMES.find((name) => name === written);
  if (!scheme) throw new UserError(`invalid protocol ${JSON.stringify(written)}: give ${SCHEMES.join(", ")}`);
  return { scheme, ...parts };
}

/** The same for the address of a folder or file, which may also be file://PATH. */
export const gitUrl = (text: string): GitUrl | undefined =>
  text.startsWith("file://") ? undefined : parseGitUrl(text);

/** The address of a repository, which may lack "https://". */
export function requireGitUrl(text: string): GitUrl {
  return parseGitUrl(text) ?? (parseGitUrl(`https://${text}`) as GitUrl);
}

/** An address without credentials. */
export function withoutAccount(remote: string): string {
  return remote.replace(/^(https?:\/\/)[^/@]*@/, "$1");
}
