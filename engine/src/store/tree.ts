import { createHash } from "node:crypto";
import { posix } from "node:path";

/** One path of a tree. Sizes are bytes, times are seconds since 1970. */
export interface Entry {
  type: "dir" | "file" | "link";
  mode: number;
  uid: number;
  gid: number;
  /** Does not count for identity: a touched file is the same file. */
  mtime: number;
  blob?: string;
  size?: number;
  target?: string;
}

/**
 * A directory's whole content as a value: normalised relative paths ("a/b") to entries, never changed in place.
 * Folders that only lead to something may be left out: they are implied, and laid over another tree they leave the
 * modes of its folders alone.
 */
export class Tree {
  readonly paths: readonly string[];
  private cachedDigest?: string;

  constructor(private readonly entries: ReadonlyMap<string, Entry>) {
    this.paths = [...entries.keys()].sort();
  }

  static readonly empty = new Tree(new Map());

  static fromJSON(entries: [string, Entry][]): Tree {
    return new Tree(new Map(entries));
  }

  toJSON(): [string, Entry][] {
    return this.paths.map((path) => [path, this.entries.get(path) as Entry]);
  }

  get(path: string): Entry | undefined {
    return this.entries.get(normalise(path));
  }

  get digest(): string {
    if (!this.cachedDigest) {
      const hash = createHash("sha256");
      for (const [path, { type, mode, uid, gid, blob, target }] of this.toJSON()) {
        hash.update(JSON.stringify([path, type, mode, uid, gid, blob ?? null, target ?? null]));
      }
      this.cachedDigest = hash.digest("hex");
    }
    return this.cachedDigest;
  }

  /** Whether a directory is at `path`; the root always is. */
  isDirectory(path: string): boolean {
    const at = normalise(path);
    return (
      at === "" || this.entries.get(at)?.type === "dir" || this.paths.some((p) => p.startsWith(`${at}/`))
    );
  }

  /** Names of what stands directly in `path`; directories end in a slash, as in the official API. */
  list(path = ""): string[] {
    const prefix = normalise(path) === "" ? "" : `${normalise(path)}/`;
    const names = new Map<string, boolean>();
    for (const p of this.paths) {
      if (!p.startsWith(prefix)) continue;
      const rest = p.slice(prefix.length);
      if (rest === "") continue;
      const slash = rest.indexOf("/");
      if (slash >= 0) names.set(rest.slice(0, slash), true);
      else if (!names.has(rest)) names.set(rest, this.entries.get(p)?.type === "dir");
    }
    return [...names].map(([name, isDir]) => (isDir ? `${name}/` : name)).sort();
  }

  /** The tree below `path`. */
  subtree(path: string): Tree {
    const at = normalise(path);
    if (at === "") return this;
    return this.rebuild((p) => (p.startsWith(`${at}/`) ? p.slice(at.length + 1) : undefined));
  }

  /** All paths, implied folders among them. */
  get allPaths(): string[] {
    const all = new Set(this.paths);
    for (const path of this.paths) {
      for (let dir = posix.dirname(path); dir !== "." && !all.has(dir); dir = posix.dirname(dir))
        all.add(dir);
    }
    return [...all].sort();
  }

  filter(keep: (path: string, entry: Entry) => boolean): Tree {
    return new Tree(new Map(this.toJSON().filter(([path, entry]) => keep(path, entry))));
  }

  map(change: (entry: Entry, path: string) => Entry): Tree {
    return new Tree(new Map(this.toJSON().map(([path, entry]) => [path, change(entry, path)])));
  }

  /** This tree with `other` laid over it below `path`. */
  merge(path: string, other: Tree): Tree {
    const at = normalise(path);
    const result = new Map(this.entries);
    for (const [p, entry] of other.toJSON()) {
      const target = at === "" ? p : `${at}/${p}`;
      const before = result.get(target);
      if (before?.type === "dir" && entry.type !== "dir") dropBelow(result, target);
      result.set(target, entry);
    }
    return new Tree(result);
  }

  with(path: string, entry: Entry): Tree {
    const at = normalise(path);
    const result = new Map(this.entries);
    result.set(at, entry);
    return new Tree(result);
  }

  /** This tree without `path` and all below it. */
  without(path: string): Tree {
    const result = new Map(this.entries);
    result.delete(normalise(path));
    dropBelow(result, normalise(path));
    return new Tree(result);
  }

  private rebuild(rename: (path: string) => string | undefined): Tree {
    const result = new Map<string, Entry>();
    for (const [path, entry] of this.entries) {
      const renamed = rename(path);
      if (renamed) result.set(renamed, entry);
    }
    return new Tree(result);
  }
}

function dropBelow(entries: Map<string, Entry>, path: string): void {
  for (const p of [...entries.keys()]) if (p.startsWith(`${path}/`)) entries.delete(p);
}

/** "a/b" for "/a/./b/", "" for the root. A path that climbs above the root stays at it. */
export function normalise(path: string): string {
  return posix.resolve("/", path).slice(1);
}

export function newDirectory(mode = 0o755): Entry {
  return { type: "dir", mode, uid: 0, gid: 0, mtime: 0 };
}

export function newFile(blob: string, size: number, mode = 0o644): Entry {
  return { type: "file", mode, uid: 0, gid: 0, mtime: 0, blob, size };
}
