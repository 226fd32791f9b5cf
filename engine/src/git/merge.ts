import { rmSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import type { Tree } from "../store/tree.ts";
import { type Changes, changesBetween } from "./changes.ts";
import { patchBetween } from "./diff.ts";
import { GitError, git } from "./run.ts";
import { type GitRun, inFolder, readTree, withoutRepository, writeTree } from "./worktree.ts";

/** The two sides of a change. */
export interface Change {
  before: Tree;
  after: Tree;
}

export type OnConflict = "FAIL_EARLY" | "FAIL" | "LEAVE_CONFLICT_MARKERS" | "PREFER_OURS" | "PREFER_THEIRS";

interface Conflict {
  path: string;
  reason: string;
  isRemoval: boolean;
}

/** Where two changes touch the same path. */
function conflictsOf(ours: Changes, theirs: Changes): Conflict[] {
  const [added, modified, removed] = [theirs.added, theirs.modified, theirs.removed].map(
    (paths) => new Set(paths),
  ) as [Set<string>, Set<string>, Set<string>];
  const at = (path: string, reason: string, isRemoval = false): Conflict => ({ path, reason, isRemoval });
  const oneSided = "path modified in one changeset and removed in the other";
  return [
    ...ours.added.filter((path) => added.has(path)).map((path) => at(path, "path added in both changesets")),
    ...ours.modified.flatMap((path) => {
      if (modified.has(path)) return [at(path, "path modified in both changesets")];
      return removed.has(path) ? [at(path, oneSided, true)] : [];
    }),
    ...ours.removed.filter((path) => modified.has(path)).map((path) => at(path, oneSided, true)),
  ];
}

function refuse(conflicts: readonly Conflict[], prefix = ""): void {
  if (conflicts.length === 0) return;
  const lines = conflicts.map(
    ({ path, reason }) => `conflict between changesets at path ${JSON.stringify(path)}: ${reason}`,
  );
  throw new UserError(prefix + lines.join("\n"));
}

const changesOf = ({ before, after }: Change): Changes => changesBetween(before, after);

/** Merges another change into one: both are applied to what was before either. */
export async function mergeChange(
  run: GitRun,
  ours: Change,
  theirs: Change,
  onConflict: OnConflict,
): Promise<Change> {
  const sides: [Changes, Changes] = [changesOf(ours), changesOf(theirs)];
  const conflicts = conflictsOf(...sides);
  if (onConflict === "FAIL_EARLY") refuse(conflicts);
  return inRepository(run, [ours, theirs], ["ours", "theirs"], async (command) => {
    const prefer = /^PREFER_(\w+)$/.exec(onConflict)?.[1]?.toLowerCase();
    const merged = await command("merge", ...(prefer ? ["-X", prefer] : []), "theirs").catch(asMergeError);
    if (!(merged instanceof Error)) return;
    if (onConflict === "FAIL" || onConflict === "FAIL_EARLY") throw merged;
    const oneSided = conflicts.filter(({ isRemoval }) => isRemoval).map(({ path }) => path);
    await chooseSides(command, oneSided, sides, prefer);
  });
}

/** Merges several changes into one. */
export async function mergeChanges(
  run: GitRun,
  ours: Change,
  others: readonly Change[],
  onConflict: "FAIL_EARLY" | "FAIL",
): Promise<Change> {
  const [first, ...more] = others;
  if (!first) return ours;
  if (more.length === 0) return mergeChange(run, ours, first, onConflict);
  if (onConflict === "FAIL_EARLY") checkPairs(changesOf(ours), others.map(changesOf));
  const names = others.map((_, i) => `branch_${i}`);
  return inRepository(run, [ours, ...others], ["ours", ...names], async (command) => {
    const merged = await command("merge", ...names).catch(asMergeError);
    if (merged instanceof Error) throw merged;
  });
}

function checkPairs(ours: Changes, others: readonly Changes[]): void {
  for (const [i, other] of others.entries())
    refuse(conflictsOf(ours, other), `conflict with changeset ${i}: `);
  for (const [i, one] of others.entries())
    for (const [j, other] of others.entries())
      if (i < j) refuse(conflictsOf(one, other), `conflict between changesets ${i} and ${j}: `);
}

function asMergeError(error: unknown): UserError {
  if (error instanceof GitError) return new UserError(`the changesets cannot be merged: ${error.output}`);
  throw error;
}

type Command = (...words: string[]) => Promise<string>;

/** For files that one side changed and the other removed: git leaves them open. */
async function chooseSides(
  command: Command,
  paths: readonly string[],
  [ours, theirs]: [Changes, Changes],
  prefer: string | undefined,
): Promise<void> {
  for (const path of paths) {
    const side =
      prefer ?? (theirs.allRemoved.includes(path) && !ours.allRemoved.includes(path) ? "ours" : "theirs");
    const isRemoved = (side === "ours" ? ours : theirs).allRemoved.includes(path);
    if (isRemoved) await command("rm", "--force", "--quiet", "--", path);
    else await command("checkout", `--${side}`, "--", path);
  }
}

/** Runs `merge` on the first of some branches, one for each change; what it leaves is the merged change. */
function inRepository(
  run: GitRun,
  changes: readonly Change[],
  names: readonly string[],
  merge: (command: Command) => Promise<void>,
): Promise<Change> {
  const before = withoutRepository(
    changes.slice(1).reduce((tree, change) => tree.merge("", change.before), (changes[0] as Change).before),
  );
  return inFolder(run, async (folder) => {
    const author = { GIT_AUTHOR_NAME: "Dagger", GIT_AUTHOR_EMAIL: "dagger@localhost" };
    const committer = { GIT_COMMITTER_NAME: "Dagger", GIT_COMMITTER_EMAIL: "dagger@localhost" };
    const env = { ...author, ...committer };
    const command: Command = (...words) => git(words, { folder, signal: run.work.signal, env });
    await writeTree(run, before, folder);
    await command("init", "--quiet");
    await commit(command, "base");
    await command("branch", "base");
    for (const [i, change] of changes.entries())
      await branch(run, command, names[i] as string, (await patchOf(run, change)).digest);
    await command("checkout", "--quiet", names[0] as string);
    await merge(command);
    rmSync(join(folder, ".git"), { recursive: true, force: true });
    const after = await readTree(run, folder, [before, ...changes.map((change) => change.after)]);
    return { before, after };
  });
}

function patchOf(run: GitRun, { before, after }: Change): ReturnType<typeof patchBetween> {
  return patchBetween(run, withoutRepository(before), withoutRepository(after));
}

async function branch(run: GitRun, command: Command, name: string, patch: string): Promise<void> {
  await command("checkout", "--quiet", "-b", name, "base");
  await command("apply", "--allow-empty", run.store.blobPath(patch));
  await commit(command, name);
}

async function commit(command: Command, message: string): Promise<void> {
  await command("add", "--all", "--force");
  await command("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message);
}
