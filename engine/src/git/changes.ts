import type { Entry, Tree } from "../store/tree.ts";
import { isExecutable } from "./worktree.ts";

/** What differs between two trees. Folders end in a slash. */
export interface Changes {
  added: string[];
  modified: string[];
  /** Without what is in a removed folder. */
  removed: string[];
  allRemoved: string[];
}

/** Compares two trees as git does: of owners and modes, only whether a file is executable counts. */
export function changesBetween(before: Tree, after: Tree): Changes {
  const [old, now] = [pathsOf(before), pathsOf(after)];
  const allRemoved = [...old].filter((path) => !now.has(path)).sort();
  return {
    added: [...now].filter((path) => !old.has(path)).sort(),
    modified: [...now]
      .filter((path) => old.has(path) && isModified(before.get(path), after.get(path)))
      .sort(),
    removed: withoutInner(allRemoved),
    allRemoved,
  };
}

export function isUnchanged({ added, modified, allRemoved }: Changes): boolean {
  return added.length + modified.length + allRemoved.length === 0;
}

/** The files among changed paths. */
export function filesOf(paths: readonly string[]): string[] {
  return paths.filter((path) => !path.endsWith("/"));
}

function pathsOf(tree: Tree): Set<string> {
  return new Set(tree.allPaths.map((path) => (tree.isDirectory(path) ? `${path}/` : path)));
}

function isModified(before: Entry | undefined, after: Entry | undefined): boolean {
  if (!before || !after || before.type === "dir") return false;
  if (before.type !== after.type) return true;
  if (before.type === "link") return before.target !== after.target;
  return before.blob !== after.blob || isExecutable(before) !== isExecutable(after);
}

function withoutInner(sorted: readonly string[]): string[] {
  const result: string[] = [];
  let folder: string | undefined;
  for (const path of sorted) {
    if (folder !== undefined && path.startsWith(folder)) continue;
    result.push(path);
    folder = path.endsWith("/") ? path : undefined;
  }
  return result;
}
