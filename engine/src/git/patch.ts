import { UserError } from "../core/errors.ts";
import type { Tree } from "../store/tree.ts";
import { GitError, git } from "./run.ts";
import {
  type GitRun,
  inFolder,
  readTree,
  withoutRepository,
  withRepositoryOf,
  writeTree,
} from "./worktree.ts";

/**
 * Applies a patch, which is in the store, to a tree.
 * @throws UserError with what git says about a patch that does not fit.
 */
export function applyPatch(run: GitRun, tree: Tree, patch: string): Promise<Tree> {
  return inFolder(run, async (folder) => {
    const files = withoutRepository(tree);
    await writeTree(run, files, folder);
    const { signal } = run.work;
    await git(["apply", "--allow-empty", run.store.blobPath(patch)], { folder, signal }).catch((error) => {
      throw error instanceof GitError ? new UserError(`the patch does not apply: ${error.output}`) : error;
    });
    return withRepositoryOf(tree, await readTree(run, folder, [files]));
  });
}
