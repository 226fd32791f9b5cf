import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Tree } from "../store/tree.ts";
import { repositoryIn, writeRepository } from "./repository.ts";
import { git } from "./run.ts";
import {
  type GitRun,
  inFolder,
  REPOSITORY,
  readTree,
  withoutRepository,
  withRepositoryOf,
  writeTree,
} from "./worktree.ts";

/** A working tree as its last commit has it, with the files that it ignores; a bare repository as it is. */
export async function cleaned(run: GitRun, tree: Tree): Promise<Tree> {
  const repository = repositoryIn(tree);
  if (!tree.isDirectory(REPOSITORY)) return tree;
  return inFolder(run, async (folder) => {
    const [work, own] = [join(folder, "work"), join(folder, "repository")];
    await mkdir(work);
    const files = withoutRepository(tree);
    await writeTree(run, files, work);
    await writeRepository(run, repository, own);
    const env = { GIT_DIR: own, GIT_WORK_TREE: work };
    for (const words of [
      ["read-tree", "HEAD"],
      ["checkout-index", "--all", "--force", "--quiet"],
      ["clean", "-d", "--force", "--quiet"],
    ])
      await git(words, { folder: work, signal: run.work.signal, env });
    return withRepositoryOf(tree, await readTree(run, work, [files]));
  });
}
