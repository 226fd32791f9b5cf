import { createHash } from "node:crypto";
import { posix } from "node:path";

/** One path of a tree. Sizes are bytes, times are seconds since 1970. */
export interface Entry {
  type: "dir" | "file" | "link";
  mode: number;
  uid: number;
  gid: number;
  /** Not part of the identity: a touched file is the same file. */
  mtime: number;
  blob?: string;
  size?: number;
  target?: string;
}

/**
 * A directory's whole content as a value: normalised relative paths ("a/b") to entries, never changed in place.
 * Folders that only lead to an entry may be left out. They are implied; when the tree is laid over another, the modes of
 * existing folders do not change.
 */
export class Tree {
  private cachedPaths?: readonly string[];
  private cachedDirs?: ReadonlySet<string>;
  private cachedDigest?: string;

  constructor(private readonly entries: ReadonlyMap<string, Entry>) {}

  static readonly empty = new Tree(new Map());

  static fromJSON(entries: [string, Entry][]): Tree {
    return new Tree(new Map(entries));
  }

  /** All paths that have an entry, in order. */
  get paths(): readonly string[] {
    this.cachedPaths ??= [...this.entries.keys()].sort();
    return this.cachedPaths;
  }

  /** Every folder, including implied ones. */
  private get dirs(): ReadonlySet<string> {
    if (!this.cachedDirs) {
      const dirs = new Set([""]);
      for (const [path, { type }] of this.entries) {
        if (type === "dir") dirs.add(path);
        for (let dir = parentOf(path); !dirs.has(dir); dir = parentOf(dir)) dirs.add(dir);
      }
      this.cachedDirs = dirs;
    }
    return this.cachedDirs;
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
    return this.dirs.has(normalise(path));
  }

  /** Names directly in `path`; directories end in a slash, as in the official API. */
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

  /** All paths, including implied folders. */
  get allPaths(): string[] {
    const all = new Set([...this.dirs, ...this.paths]);
    all.delete("");
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
      this.makeRoom(result, target, entry.type);
      result.set(target, entry);
    }
    return new Tree(result);
  }

  with(path: string, entry: Entry): Tree {
    if (normalise(path) === "") return this;
    return this.merge("", new Tree(new Map([[normalise(path), entry]])));
  }

  /** A new entry removes those that conflict with it: a file above it, or entries below a folder that it replaces. */
  private makeRoom(result: Map<string, Entry>, target: string, type: Entry["type"]): void {
    for (let dir = parentOf(target); dir !== ""; dir = parentOf(dir)) {
      const above = result.get(dir);
      if (above && above.type !== "dir") result.delete(dir);
    }
    if (type !== "dir" && this.dirs.has(target)) dropBelow(result, target);
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

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
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
