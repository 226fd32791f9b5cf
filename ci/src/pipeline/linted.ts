import type { Directory } from "@dagger.io/dagger";

/**
 * What a pipeline lints: the whole source if the application is a folder of it, else the application alone. The default source is
 * this module's repository, which is not that of every application.
 */
export async function lintedOf(source: Directory, app: Directory): Promise<Directory> {
  const [all, own] = await Promise.all([source.glob("**/*.py"), app.glob("**/*.py")]);
  return isFolderOf(all, own) ? source : app;
}

/** Whether a folder of the one project has exactly the files of the other. Installed packages do not count. */
export function isFolderOf(source: readonly string[], app: readonly string[]): boolean {
  const isOwn = (path: string): boolean => !/(^|\/)(node_modules|\.?venv)\//.test(path);
  const [all, own] = [source.filter(isOwn), app.filter(isOwn).sort()];
  const [first] = own;
  if (first === undefined) return false;
  const folders = all
    .filter((path) => path === first || path.endsWith(`/${first}`))
    .map((path) => path.slice(0, path.length - first.length));
  return folders.some((folder) => {
    const inside = all.filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length));
    return inside.sort().join("\n") === own.join("\n");
  });
}
