import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ignore, { type Ignore } from "ignore";
import { PathError } from "./errors.ts";

interface IgnoreFile {
  /** Where it applies: "" is the root. */
  folder: string;
  rules: Ignore;
}

/** The .gitignore files of a tree, outer ones first: the last rule that matches a path counts. */
export class Gitignore {
  static readonly none = new Gitignore([]);

  private constructor(private readonly files: readonly IgnoreFile[]) {}

  /** With the text of a folder's .gitignore, if it has one. */
  with(folder: string, text: string | undefined): Gitignore {
    if (text === undefined) return this;
    return new Gitignore([...this.files, { folder, rules: ignore().add(text) }]);
  }

  ignores(path: string, isDirectory: boolean): boolean {
    return this.verdict(path, isDirectory) ?? false;
  }

  /** Whether a path is ignored; undefined if no rule matches it. */
  verdict(path: string, isDirectory: boolean): boolean | undefined {
    let result: boolean | undefined;
    for (const { folder, rules } of this.files) {
      if (folder !== "" && !path.startsWith(`${folder}/`)) continue;
      const inside = folder === "" ? path : path.slice(folder.length + 1);
      const { ignored, unignored } = rules.test(isDirectory ? `${inside}/` : inside);
      if (ignored || unignored) result = ignored;
    }
    return result;
  }
}

/** The repository that a host folder is in, and the rules of the folders above it. */
export interface Repository {
  /** The folder's path in the repository. */
  path: string;
  above: Gitignore;
}

/** The repository that a host folder is in; undefined if it is in none, where no .gitignore applies. */
export function repositoryOf(folder: string): Repository | undefined {
  let root = folder;
  for (; !existsSync(join(root, ".git")); root = dirname(root)) if (root === dirname(root)) return undefined;
  const path = relative(root, folder);
  const parts = path === "" ? [] : path.split("/");
  const above = parts.reduce((rules, _, depth) => {
    const outer = parts.slice(0, depth).join("/");
    return rules.with(outer, readGitignore(join(root, outer)));
  }, Gitignore.none);
  return { path, above };
}

/** The text of a host folder's .gitignore. Like Git, ignores one that is no file. */
export function readGitignore(folder: string): string | undefined {
  const path = join(folder, ".gitignore");
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR") return undefined;
    throw new PathError(`${path} cannot be read (${code}): check its permissions`);
  }
}
