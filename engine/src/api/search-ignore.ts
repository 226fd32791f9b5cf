import { posix } from "node:path";
import { Gitignore } from "../store/gitignore.ts";
import type { Store } from "../store/store.ts";
import { parentOf, type Tree } from "../store/tree.ts";

/** Files with rules, as ripgrep reads them: those of a later name count only where no earlier one has a rule. */
const NAMES = [".rgignore", ".ignore", ".gitignore"];

/**
 * Which paths of a tree ripgrep's `skipIgnored` leaves out: a file with a rule against it or against a folder that it is
 * in, below the places that were asked for. A .gitignore counts in a repository alone.
 */
export function ignoredPaths(
  store: Store,
  tree: Tree,
  roots: readonly string[],
): (path: string, isFolder?: boolean) => boolean {
  const kinds = NAMES.map((name) => rulesOf(store, tree, name));
  const verdicts = new Map<string, boolean>();
  const isIgnored = (path: string, isFolder: boolean): boolean => {
    if (path === "" || roots.includes(path)) return false;
    const known = verdicts.get(path);
    if (known !== undefined) return known;
    const folder = parentOf(path);
    // A rule against a folder that was asked for does not count for what is in it.
    const own = kinds
      .filter((rules) => folder === "" || rules.verdict(folder, true) !== true)
      .map((rules) => rules.verdict(path, isFolder))
      .find((found) => found !== undefined);
    const verdict = isIgnored(folder, true) || own === true;
    verdicts.set(path, verdict);
    return verdict;
  };
  return (path, isFolder = false) => isIgnored(path, isFolder);
}

function rulesOf(store: Store, tree: Tree, name: string): Gitignore {
  const depth = (path: string): number => path.split("/").length;
  const files = tree.paths
    .filter((path) => posix.basename(path) === name)
    .sort((a, b) => depth(a) - depth(b));
  return files.reduce((rules, path) => {
    const folder = parentOf(path);
    const blob = tree.get(path)?.blob;
    const counts = blob !== undefined && (name !== ".gitignore" || isInRepository(tree, folder));
    return counts ? rules.with(folder, store.readBlobText(blob)) : rules;
  }, Gitignore.none);
}

function isInRepository(tree: Tree, folder: string): boolean {
  const git = posix.join(folder, ".git");
  if (tree.isDirectory(git) || tree.get(git)) return true;
  return folder !== "" && isInRepository(tree, parentOf(folder));
}
