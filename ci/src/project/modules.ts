import { posix } from "node:path";
import { type Files, folderOf } from "./files.js";

/** Finds the file of a Python module, and the module of a file. */
export class Modules {
  private readonly roots: string[];

  /** @param folder Folder of manage.py, which Python puts on its path. */
  constructor(
    private readonly files: Files,
    readonly folder: string,
  ) {
    this.roots = [...new Set([folder, posix.join(folder, "src"), "", "src"])].map((root) =>
      root === "." ? "" : root,
    );
  }

  /** The file of "config.settings": a module or a package. */
  file(module: string): string | undefined {
    const path = module.replaceAll(".", "/");
    const names = [`${path}.py`, `${path}/__init__.py`];
    return this.files.firstOf(this.roots, names) ?? this.elsewhere(names);
  }

  /** manage.py may extend Python's path by any folder: one that has the module as the only one is meant. */
  private elsewhere(names: string[]): string | undefined {
    const paths = names
      .filter((name) => name.includes("/"))
      .flatMap((name) => this.files.paths.filter((path) => path.endsWith(`/${name}`)));
    return paths.length === 1 ? paths[0] : undefined;
  }

  /** "src/config/wsgi.py" is config.wsgi, unless src is a package itself; the folder of manage.py never counts as one. */
  name(path: string): string {
    const isRoot = (root: string): boolean =>
      root === this.roots[0] || !this.files.has(posix.join(root, "__init__.py"));
    const root = this.roots
      .filter((item) => (item === "" || path.startsWith(`${item}/`)) && isRoot(item))
      .reduce((longest, item) => (item.length > longest.length ? item : longest), "");
    return posix
      .relative(root, path)
      .replace(/(\/__init__)?\.py$/, "")
      .replaceAll("/", ".");
  }

  /** The file of a module as another file imports it: ".base" lies beside it. */
  imported(from: string, module: string): string | undefined {
    const [dots = ""] = /^\.*/.exec(module) ?? [];
    if (dots === "") return this.file(module);
    const above = "../".repeat(dots.length - 1);
    const path = posix.join(folderOf(from), above, module.slice(dots.length).replaceAll(".", "/"));
    return [`${path}.py`, posix.join(path, "__init__.py")].find((name) => this.files.has(name));
  }
}

/** Whether a text can be the dotted name of a module. */
export function isModuleName(text: string): boolean {
  return /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(text) && !/^[A-Z][A-Z0-9_]+$/.test(text);
}
