import { posix } from "node:path";
import type { Directory } from "@dagger.io/dagger";
import { type NamedPath, parseRequirements } from "../project/requirements.js";

/**
 * Checks requirements files and the files that they name.
 * @throws Error with file and line for a URL with credentials, which the image would contain, and for a path that is missing.
 */
export async function checkRequirements(app: Directory, files: readonly string[]): Promise<void> {
  const seen = new Set(files);
  for (const file of seen) {
    const { paths, credentials: line } = parseRequirements(await app.file(file).contents());
    if (line !== undefined) {
      throw new Error(
        `${file}:${line}: the URL contains a user name or password, which would be in the image: remove them and pass them with --netrc=file://PATH`,
      );
    }
    for (const named of paths) {
      const path = await requirePath(app, file, named);
      if (named.isFile) seen.add(path);
    }
  }
}

async function requirePath(app: Directory, file: string, { line, path, isFile }: NamedPath): Promise<string> {
  const inApp = posix.join(isFile ? posix.dirname(file) : ".", path);
  if (/^(\.\.)?\//.test(inApp))
    throw new Error(`${file}:${line}: ${path} is outside the application's folder`);
  if (!(await app.exists(inApp))) throw new Error(`${file}:${line}: no such file or directory: ${path}`);
  return inApp;
}
