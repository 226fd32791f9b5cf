import type { Call } from "../core/call.ts";
import type { DirectoryValue, FileValue } from "../core/values.ts";
import { changesBetween, isUnchanged } from "../git/changes.ts";
import { patchBetween, statsBetween } from "../git/diff.ts";
import { type Change, mergeChange, mergeChanges } from "../git/merge.ts";
import type { Evaluator, Resolver, SessionContext } from "../session/context.ts";
import { checkFolder, exportTree } from "../store/export.ts";
import { hostPath } from "../store/host-path.ts";
import { removeInFolder } from "../store/remove.ts";
import { newFile, Tree } from "../store/tree.ts";
import { differences } from "./difference.ts";
import { exporting } from "./exporting.ts";

/** What a Changeset call evaluates to. */
export interface ChangesetValue {
  before: DirectoryValue;
  after: DirectoryValue;
}

const treesOf = ({ before, after }: ChangesetValue): Change => ({ before: before.tree, after: after.tree });

const valueOfChange = ({ before, after }: Change): ChangesetValue => ({
  before: { tree: before },
  after: { tree: after },
});

/** A directory with the changes of a changeset, whatever it is itself. */
export function withChanges(tree: Tree, { before, after }: ChangesetValue): Tree {
  const changes = changesBetween(before.tree, after.tree);
  if (isUnchanged(changes)) return tree;
  const left = changes.removed.reduce((rest, path) => rest.without(rest.realPath(path, false)), tree);
  return left.merge("", differences(before.tree, after.tree));
}

function pathsOf(kind: "added" | "modified" | "removed"): Evaluator {
  return ({ before, after }: ChangesetValue) => changesBetween(before.tree, after.tree)[kind];
}

const others = (session: SessionContext, calls: Call[]): Promise<Change[]> =>
  Promise.all(calls.map(async (call) => treesOf(await session.evaluate<ChangesetValue>(call))));

export const changesetQueries: Record<string, Evaluator> = {
  changeset: () => valueOfChange({ before: Tree.empty, after: Tree.empty }),
};

export const changeset: Record<string, Evaluator> = {
  before: ({ before }: ChangesetValue) => before,
  after: ({ after }: ChangesetValue) => after,
  addedPaths: pathsOf("added"),
  modifiedPaths: pathsOf("modified"),
  removedPaths: pathsOf("removed"),
  isEmpty: ({ before, after }: ChangesetValue) => isUnchanged(changesBetween(before.tree, after.tree)),
  diffStats: ({ before, after }: ChangesetValue, _args, session) =>
    statsBetween(session, before.tree, after.tree),
  layer: ({ before, after }: ChangesetValue): DirectoryValue => ({
    tree: differences(before.tree, after.tree),
  }),
  asPatch: async ({ before, after }: ChangesetValue, _args, session): Promise<FileValue> => {
    const { digest, size } = await patchBetween(session, before.tree, after.tree);
    return { name: "diff.patch", entry: newFile(digest, size) };
  },
  withChangeset: async (value: ChangesetValue, { changes, onConflict }, session) => {
    const [theirs] = await others(session, [changes]);
    return valueOfChange(await mergeChange(session, treesOf(value), theirs as Change, onConflict));
  },
  withChangesets: async (value: ChangesetValue, { changes, onConflict }, session) =>
    valueOfChange(await mergeChanges(session, treesOf(value), await others(session, changes), onConflict)),
  export: async ({ before, after }: ChangesetValue, { path }, session) => {
    const target = hostPath(session.workdir, path);
    for (const removed of changesBetween(before.tree, after.tree).removed) removeInFolder(target, removed);
    const { signal } = session.work;
    await exportTree(session.store, differences(before.tree, after.tree), target, { signal });
    return target;
  },
};

export const changesetResolvers: Record<string, Resolver> = {
  export: exporting(({ path }, { workdir }) => checkFolder(hostPath(workdir, path), false)),
};
