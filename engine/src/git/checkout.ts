import { rmSync } from "node:fs";
import { join } from "node:path";
import { scanHostDirectory } from "../store/host.ts";
import { type Entry, Tree } from "../store/tree.ts";
import type { Ref } from "./refs.ts";
import { checkoutKey, type Opened, open, type Source } from "./repository.ts";
import { GitError, git } from "./run.ts";
import { withoutAccount } from "./url.ts";
import { type GitRun, inFolder, REPOSITORY } from "./worktree.ts";

export interface CheckoutOptions {
  discardGitDir: boolean;
  /** How many commits its history has; all for 0. */
  depth: number;
  includeTags: boolean;
}

/** The date of every file: builds do not depend on when something was checked out. */
const DATE = 1;

/** The files of a commit, with a repository of their own. A commit is fetched once. */
export async function checkOut(
  run: GitRun,
  source: Source,
  ref: Ref,
  options: CheckoutOptions,
): Promise<Tree> {
  const history = options.discardGitDir ? [] : [options.depth, options.includeTags, ref.name];
  const key = checkoutKey(source, ref.sha, ...history);
  const cached = run.store.getResult<{ blob: string }>("files", key);
  if (cached && run.store.hasBlob(cached.blob))
    return Tree.fromJSON(JSON.parse(run.store.readBlobText(cached.blob)) as [string, Entry][]);
  const tree = await open(run, source, (opened) =>
    inFolder(run, (folder) => make(run, opened, source, ref, options, folder)),
  );
  const { digest: blob } = await run.store.putBlob(JSON.stringify(tree.toJSON()));
  await run.store.putResult("files", key, { blob });
  return tree;
}

type Command = (...words: string[]) => Promise<string>;

function commandIn(run: GitRun, { options }: Opened, folder: string): Command {
  return (...words) => git(words, { ...options, folder, signal: run.work.signal });
}

async function make(
  run: GitRun,
  opened: Opened,
  source: Source,
  ref: Ref,
  { discardGitDir, depth, includeTags }: CheckoutOptions,
  folder: string,
): Promise<Tree> {
  const command = commandIn(run, opened, folder);
  await command("-c", "init.defaultBranch=main", "init", "--quiet");
  await fetchCommit(command, opened.address, ref, depth);
  if (includeTags) await fetchTags(command, opened.address, depth);
  await place(command, ref);
  if ("url" in source) await command("remote", "add", "origin", withoutAccount(source.url.remote));
  await command("reflog", "expire", "--all", "--expire=now");
  await fetchSubmodules(command);
  // Without what the index knows of this machine's files.
  await command("read-tree", "HEAD");
  rmSync(join(folder, REPOSITORY, "FETCH_HEAD"), { force: true });
  if (discardGitDir) rmSync(join(folder, REPOSITORY), { recursive: true });
  const tree = await scanHostDirectory(run.store, folder);
  return tree.map((entry) => ({ ...entry, mtime: DATE }));
}

const FETCHED = "refs/dagger.tmp/fetched";

/** Fetches one commit. A server that gives none by its hash gives it by its name; some know no depth. */
async function fetchCommit(
  command: Command,
  address: string,
  { name, sha }: Ref,
  depth: number,
): Promise<void> {
  const fetched = (what: string): Promise<string> => fetch(command, address, depth, `${what}:${FETCHED}`);
  await fetched(sha).catch((error) => {
    const isRefused = /unadvertised object|not our ref|couldn't find remote ref/i.test(String(error));
    if (!isRefused || name === "") throw error;
    return fetched(name);
  });
  await command("rev-parse", "--verify", "--quiet", `${sha}^{commit}`);
}

function fetchTags(command: Command, address: string, depth: number): Promise<string> {
  return fetch(command, address, depth, "refs/tags/*:refs/tags/*");
}

function fetch(command: Command, address: string, depth: number, spec: string): Promise<string> {
  const attempt = (...limit: string[]): Promise<string> =>
    command(
      "fetch",
      "--quiet",
      "--no-tags",
      "--force",
      "--update-shallow",
      "--update-head-ok",
      ...limit,
      "--",
      address,
      spec,
    );
  if (depth <= 0) return attempt();
  return attempt(`--depth=${depth}`).catch((error) => {
    if (!(error instanceof GitError) || !/does not support shallow/i.test(error.output)) throw error;
    return attempt();
  });
}

/** Checks the commit out: on its branch, or detached. */
async function place(command: Command, { name, sha }: Ref): Promise<void> {
  if (name === "" || name === "HEAD") {
    await command("checkout", "--quiet", "--detach", sha);
  } else {
    await command("update-ref", name, sha);
    await command("checkout", "--quiet", name.replace(/^refs\/heads\//, ""), "--");
    await command("reset", "--quiet", "--hard", sha);
  }
  await command("update-ref", "-d", FETCHED);
}

async function fetchSubmodules(command: Command): Promise<void> {
  const update = ["submodule", "update", "--quiet", "--init", "--recursive"];
  await command(...update, "--depth=1").catch((error) => {
    if (!/does not support shallow/i.test(String(error))) throw error;
    return command(...update);
  });
}

/** The best common ancestor of two commits, which may be in two repositories. */
export function commonAncestor(
  run: GitRun,
  sides: readonly { source: Source; sha: string }[],
): Promise<string> {
  return inFolder(run, async (folder) => {
    await git(["init", "--quiet", "--bare"], { folder, signal: run.work.signal });
    for (const { source, sha } of sides)
      await open(run, source, (opened) => fetch(commandIn(run, opened, folder), opened.address, 0, sha));
    const words = ["merge-base", ...sides.map(({ sha }) => sha)];
    return (await git(words, { folder, signal: run.work.signal })).trim();
  });
}
