import type { ContainerState, FileSystem } from "../core/values.ts";
import { type Ids, idsOf } from "../docker/owner-names.ts";
import { fileSystemOf } from "../docker/read.ts";
import type { Args, SessionContext } from "../session/context.ts";
import type { Entry, Tree } from "../store/tree.ts";

/** The owner that a call gives, if it gives one; a name is looked up in the container. */
export async function containerOwner(
  session: SessionContext,
  state: ContainerState,
  owner: string | null | undefined,
): Promise<Partial<Ids>> {
  return owner ? idsOf(session.store, owner, fileSystemOf(session, state)) : {};
}

/** What a call gives each entry that it copies: an owner, whose name is looked up in `within`, and permissions. */
export async function changeOf(
  session: SessionContext,
  { owner, permissions }: Args,
  within: FileSystem | undefined,
): Promise<(entry: Entry) => Entry> {
  const ids = owner ? await idsOf(session.store, owner, within) : {};
  return (entry) => ({
    ...entry,
    ...ids,
    ...(permissions != null && entry.type !== "link" && { mode: permissions }),
  });
}

/** The same for all that a call copies. A tree that it does not change keeps its implied folders. */
export async function treeChangeOf(
  session: SessionContext,
  args: Args,
  within: FileSystem | undefined,
): Promise<(tree: Tree) => Tree> {
  const change = await changeOf(session, args, within);
  return (tree) => (args.owner || args.permissions != null ? tree.map(change) : tree);
}
