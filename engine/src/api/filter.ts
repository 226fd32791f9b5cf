import { posix } from "node:path";
import type { DirectoryValue } from "../core/values.ts";
import type { Args, SessionContext } from "../session/context.ts";
import { Gitignore } from "../store/gitignore.ts";
import { joinPath } from "../store/path-walk.ts";
import { filterTree } from "../store/patterns.ts";
import type { Store } from "../store/store.ts";
import { type Entry, parentOf, type Tree } from "../store/tree.ts";

const FILE = ".gitignore";

/** The part of a directory that passes the filter of a call: `include`, `exclude`, `gitignore`. */
export async function filtered(session: SessionContext, dir: DirectoryValue, args: Args): Promise<Tree> {
  return filterTree(args.gitignore ? await withoutIgnored(session.store, dir) : dir.tree, args);
}

/** A directory without what its .gitignore files exclude, and those of the folders that it is in. */
async function withoutIgnored(store: Store, { tree, within }: DirectoryValue): Promise<Tree> {
  const path = posix.resolve("/", within?.path ?? "").slice(1);
  const inner = tree.paths.filter((name) => posix.basename(name) === FILE);
  let rules = Gitignore.none;
  if (within) {
    const outer = path.split("/").map((_, depth, parts) => parts.slice(0, depth).join("/"));
    for (const folder of path === "" ? [] : outer) {
      const found = await within.find(posix.join("/", folder, FILE));
      rules = rules.with(folder, found && "entry" in found ? textOf(store, found.entry) : undefined);
    }
  }
  for (const name of inner.sort((a, b) => a.split("/").length - b.split("/").length))
    rules = rules.with(joinPath(path, parentOf(name)), textOf(store, tree.get(name)));
  return dropIgnored(tree, path, rules);
}

function dropIgnored(tree: Tree, base: string, rules: Gitignore): Tree {
  const ignored = new Set<string>();
  for (const path of tree.allPaths)
    if (ignored.has(parentOf(path)) || rules.ignores(joinPath(base, path), tree.isDirectory(path)))
      ignored.add(path);
  return tree.filter((path) => !ignored.has(path) && !ignored.has(parentOf(path)));
}

function textOf(store: Store, entry: Entry | undefined): string | undefined {
  return entry?.blob && store.readBlobText(entry.blob);
}
