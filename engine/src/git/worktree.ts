import { rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { exportTree } from "../store/export.ts";
import { scanHostDirectory } from "../store/host.ts";
import type { Store } from "../store/store.ts";
import { type Entry, newDirectory, parentOf, Tree } from "../store/tree.ts";

/** Where a working tree has its repository. */
export const REPOSITORY = ".git";

/** Where git works: a session, as this layer sees it. */
export interface GitRun {
  readonly store: Store;
  readonly work: { readonly signal: AbortSignal };
}

/** Runs `use` with a new, empty folder, which is removed afterwards. */
export async function inFolder<T>({ store }: GitRun, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = store.tmpPath();
  await mkdir(folder, { mode: 0o700 });
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a tree to a folder. */
export function writeTree({ store, work }: GitRun, tree: Tree, folder: string): Promise<void> {
  return exportTree(store, tree, folder, { signal: work.signal });
}

/** A tree without its own repository: git must not take its settings, or change it. */
export function withoutRepository(tree: Tree): Tree {
  return tree.filter((path) => !isInRepository(path));
}

/** A tree with the repository of another. */
export function withRepositoryOf(other: Tree, tree: Tree): Tree {
  return new Tree(new Map([...tree.toJSON(), ...other.toJSON().filter(([path]) => isInRepository(path))]));
}

function isInRepository(path: string): boolean {
  return path === REPOSITORY || path.startsWith(`${REPOSITORY}/`);
}

/**
 * Reads a folder that was written from trees. What git did not change keeps its owner, time and mode: a path is that of
 * the first tree that has the same there. A changed file keeps its owner.
 */
export async function readTree({ store }: GitRun, folder: string, origins: readonly Tree[]): Promise<Tree> {
  const found = await scanHostDirectory(store, folder, { exclude: [REPOSITORY] });
  const [first = Tree.empty] = origins;
  const own = first.get("");
  const entries = found.toJSON().flatMap(([path, entry]): [string, Entry][] => {
    const origin = origins.find((tree) => isSame(tree.get(path), entry))?.get(path);
    if (origin) return [[path, origin]];
    if (entry.type === "dir" && origins.some((tree) => tree.isDirectory(path))) return [];
    const { uid = 0, gid = 0 } = first.get(path) ?? {};
    return [[path, { ...entry, uid, gid }]];
  });
  return withFolders(new Tree(new Map([...(own ? [["", own] as const] : []), ...entries])), found);
}

/** Whether an entry is that of a file of this machine, which has neither owners nor all modes of a tree. */
function isSame(entry: Entry | undefined, found: Entry): boolean {
  return (
    entry?.type === found.type &&
    entry.blob === found.blob &&
    entry.target === found.target &&
    (entry.type !== "file" || isExecutable(entry) === isExecutable(found))
  );
}

export function isExecutable({ mode }: Entry): boolean {
  return (mode & 0o100) !== 0;
}

/** A tree with the folders of another that nothing in it implies. */
function withFolders(tree: Tree, other: Tree): Tree {
  const missing = other.paths.filter((path) => other.isDirectory(path) && !tree.isDirectory(path));
  return missing.length === 0
    ? tree
    : new Tree(new Map([...tree.toJSON(), ...missing.map((path) => [path, newDirectory()] as const)]));
}

/** Files and links of a tree, and the folders that lead to them, at some paths. */
export function only(tree: Tree, paths: Iterable<string>): Tree {
  const wanted = new Set<string>();
  for (const path of paths)
    for (let at = path; at !== "" && !wanted.has(at); at = parentOf(at)) wanted.add(at);
  return tree.filter((path) => wanted.has(path));
}
