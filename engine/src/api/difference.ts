import type { Entry, Tree } from "../store/tree.ts";

/** What a tree has that another has not, or has otherwise. */
export function differences(before: Tree, after: Tree): Tree {
  return after.filter((path, entry) => !isEqual(entry, before.get(path)));
}

function isEqual(a: Entry, b: Entry | undefined): boolean {
  return (
    b !== undefined &&
    a.type === b.type &&
    a.mode === b.mode &&
    a.blob === b.blob &&
    a.target === b.target &&
    a.uid === b.uid &&
    a.gid === b.gid
  );
}
