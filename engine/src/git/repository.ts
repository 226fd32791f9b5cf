import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { proxyVariable } from "../client/proxies.ts";
import { UserError } from "../core/errors.ts";
import { digestOf } from "../store/store.ts";
import type { Tree } from "../store/tree.ts";
import { parseRefs, type Refs } from "./refs.ts";
import { type GitOptions, git } from "./run.ts";
import { type GitUrl, withoutAccount } from "./url.ts";
import { type GitRun, inFolder, REPOSITORY, writeTree } from "./worktree.ts";

/** How a repository of another machine is reached. */
export interface RemoteAccess {
  /** The value of the header Authorization. */
  authorization?: string;
  /** A host name that no name server knows, with its address. */
  known?: { name: string; address: string };
  ssh?: { socket: string; knownHosts: string };
}

/** A repository: one of another machine, or one in a tree, without its working tree. */
export type Source =
  | { url: GitUrl; reach: <T>(use: (access: RemoteAccess) => Promise<T>) => Promise<T> }
  | { tree: Tree };

/** A repository that git commands can read, at `address`. */
export interface Opened {
  address: string;
  options: Pick<GitOptions, "config" | "env">;
}

/** What identifies a source in cache keys. */
export function sourceKey(source: Source): string {
  return "url" in source ? source.url.remote : source.tree.digest;
}

/**
 * The repository in a tree: in its folder `.git`, or the tree itself.
 * @throws UserError if it has none.
 */
export function repositoryIn(tree: Tree): Tree {
  const found = tree.isDirectory(REPOSITORY) ? tree.subtree(REPOSITORY) : tree;
  if (found.get("HEAD")?.type !== "file" || !found.isDirectory("objects"))
    throw new UserError("not a git repository: the directory contains no .git folder");
  return found;
}

/** Runs `use` with a repository for as long as it needs it. */
export function open<T>(
  run: GitRun,
  source: Source,
  use: (opened: Opened, folder: string) => Promise<T>,
): Promise<T> {
  return inFolder(run, async (folder) => {
    if ("url" in source) return source.reach((access) => use(remote(source.url, access, folder), folder));
    const address = join(folder, "source");
    await writeRepository(run, source.tree, address);
    return use({ address, options: {} }, folder);
  });
}

/**
 * Writes a repository whose content may be anybody's: without settings, which can name programs to run, and without what
 * leads to other files of this machine.
 */
export async function writeRepository(run: GitRun, tree: Tree, folder: string): Promise<void> {
  const leading = ["config", "config.worktree", "commondir", "gitdir", "objects/info/alternates"];
  const safe = tree.filter((path, { type }) => type !== "link" && !leading.includes(path));
  await writeTree(run, safe, folder);
  const { blob } = tree.get("config") ?? {};
  const isSha256 = blob !== undefined && /objectformat\s*=\s*sha256/i.test(run.store.readBlobText(blob));
  const format = isSha256 ? "1\n[extensions]\n\tobjectFormat = sha256" : "0";
  writeFileSync(join(folder, "config"), `[core]\n\trepositoryformatversion = ${format}\n`);
}

function remote(url: GitUrl, access: RemoteAccess, folder: string): Opened {
  return {
    // Git's own protocol has no setting for an address.
    address: url.scheme === "git" ? withAddress(url.remote, access.known) : url.remote,
    options: { config: configOf(url, access), env: environmentOf(access, folder) },
  };
}

function withAddress(remote: string, known: RemoteAccess["known"]): string {
  return known ? remote.replace(`://${known.name}`, `://${known.address}`) : remote;
}

function configOf(url: GitUrl, { authorization, known }: RemoteAccess): Record<string, string> {
  if (url.scheme !== "http" && url.scheme !== "https") return {};
  const { origin, port, hostname } = new URL(url.remote);
  const number = port || (url.scheme === "https" ? "443" : "80");
  return {
    ...(authorization && { [`http.${origin}/.extraHeader`]: `Authorization: ${authorization}` }),
    ...(known && { "http.proxy": "", "http.curloptResolve": `${known.name}:${number}:${known.address}` }),
    ...(known?.name === hostname && { "http.noProxy": "*" }),
  };
}

const PASSED_ON = ["SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"];

function environmentOf({ ssh, known }: RemoteAccess, folder: string): NodeJS.ProcessEnv {
  const proxies = (["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"] as const).map((name) => [
    name.toLowerCase(),
    known ? undefined : proxyVariable(process.env, name),
  ]);
  const passedOn = PASSED_ON.map((name) => [name, process.env[name]]);
  return { ...Object.fromEntries([...proxies, ...passedOn]), ...(ssh && sshEnvironment(ssh, folder)) };
}

function sshEnvironment({ socket, knownHosts }: { socket: string; knownHosts: string }, folder: string) {
  const path = join(folder, "known_hosts");
  if (knownHosts) writeFileSync(path, knownHosts);
  // Without a file, the keys that this user's SSH knows.
  const trust = knownHosts ? ` -o 'UserKnownHostsFile="${path}"'` : "";
  const command = `ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes${trust}`;
  return { SSH_AUTH_SOCK: socket, GIT_SSH_COMMAND: command };
}

/** What a repository has. */
export function listRefs(run: GitRun, source: Source): Promise<Refs> {
  const { signal } = run.work;
  return open(run, source, async ({ address, options }, folder) =>
    parseRefs(await git(["ls-remote", "--symref", "--", address], { ...options, folder, signal })),
  );
}

/** For error messages and progress. */
export function shownSource(source: Source): string {
  return "url" in source ? withoutAccount(source.url.remote) : "of a directory";
}

export function checkoutKey(source: Source, ...parts: unknown[]): string {
  return digestOf("git", sourceKey(source), ...parts);
}
