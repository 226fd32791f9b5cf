import { createHash } from "node:crypto";
import { posix } from "node:path";
import { joinPath, PathWalk } from "./path-walk.ts";

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
  /** Files with the same mark are hard links to each other, as long as they are equal. Not part of the identity. */
  hard?: string;
}

/**
 * A directory's whole content as a value: normalised relative paths ("a/b") to entries, never changed in place.
 * Folders that only lead to an entry may be left out. They are implied; when the tree is laid over another, the modes of
 * existing folders do not change. The same goes for the directory itself: its own entry, if it has one, is at "".
 */
export class Tree {
  private cachedPaths?: readonly string[];
  private cachedDirs?: ReadonlySet<string>;
  private cachedDigest?: string;
  private cachedHasLinks?: boolean;

  private readonly entries: ReadonlyMap<string, Entry>;

  constructor(entries: ReadonlyMap<string, Entry>) {
    const own = entries.get("");
    this.entries = own && isDefault(own) ? new Map([...entries].filter(([path]) => path !== "")) : entries;
  }

  static readonly empty = new Tree(new Map());

  static fromJSON(entries: [string, Entry][]): Tree {
    return new Tree(new Map(entries));
  }

  /** All paths that have an entry, in order, without the directory itself. */
  get paths(): readonly string[] {
    this.cachedPaths ??= [...this.entries.keys()].filter((path) => path !== "").sort();
    return this.cachedPaths;
  }

  /** The directory's own entry. */
  get own(): Entry {
    return this.entries.get("") ?? newDirectory();
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
    const own = this.entries.get("");
    const entries = this.paths.map((path): [string, Entry] => [path, this.entries.get(path) as Entry]);
    return own ? [["", own], ...entries] : entries;
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

  /** The tree below `path`, with the directory's own entry. */
  subtree(path: string): Tree {
    const at = normalise(path);
    if (at === "") return this;
    const result = new Map<string, Entry>();
    for (const [p, entry] of this.entries) {
      if (p === at) result.set("", entry);
      else if (p.startsWith(`${at}/`)) result.set(p.slice(at.length + 1), entry);
    }
    return new Tree(result);
  }

  /** All paths, including implied folders. */
  get allPaths(): string[] {
    const all = new Set([...this.dirs, ...this.paths]);
    all.delete("");
    return [...all].sort();
  }

  filter(keep: (path: string, entry: Entry) => boolean): Tree {
    return new Tree(new Map(this.toJSON().filter(([path, entry]) => path === "" || keep(path, entry))));
  }

  /** This tree with each entry changed, those of implied folders and the directory's own included. */
  map(change: (entry: Entry, path: string) => Entry): Tree {
    const result = new Map<string, Entry>();
    for (const path of new Set([...this.dirs, ...this.paths]))
      result.set(path, change(this.entries.get(path) ?? newDirectory(), path));
    return new Tree(result);
  }

  /** This tree with `other` laid over it below `path`. */
  merge(path: string, other: Tree): Tree {
    const at = normalise(path);
    const result = new Map(this.entries);
    for (const [p, entry] of other.toJSON()) {
      const target = this.place(joinPath(at, p), entry.type);
      if (target === "") continue;
      this.makeRoom(result, target, entry.type);
      result.set(target, entry);
    }
    return new Tree(result);
  }

  /** Where a new entry goes: through links among its parents; a folder also through a link to a folder in its place. */
  private place(path: string, type: Entry["type"]): string {
    if (!this.hasLinks) return path;
    const place = joinPath(this.realPath(parentOf(path)), basename(path));
    if (type !== "dir" || this.entries.get(place)?.type !== "link") return place;
    const led = this.realPath(place);
    return this.isDirectory(led) ? led : place;
  }

  private get hasLinks(): boolean {
    this.cachedHasLinks ??= [...this.entries.values()].some(({ type }) => type === "link");
    return this.cachedHasLinks;
  }

  /**
   * A path with its symbolic links followed, the last only if `last`. As for a process whose root is this tree, a link
   * leads no further up than to the tree. Parts that do not exist stay as they are.
   * @throws Error when the links form a cycle.
   */
  realPath(path: string, last = true): string {
    const walk = new PathWalk(path, last);
    for (let next = walk.next; next !== undefined; next = walk.next) walk.pass(this.entries.get(next));
    return walk.at;
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

  /** This tree without `path` and all below it. A folder that becomes empty stays. */
  without(path: string): Tree {
    const at = normalise(path);
    const result = new Map(this.entries);
    result.delete(at);
    dropBelow(result, at);
    const left = new Tree(result);
    const folder = parentOf(at);
    return this.isDirectory(folder) && !left.isDirectory(folder) ? left.with(folder, newDirectory()) : left;
  }
}

/** Names of files that are hard links to each other, as they are written one after the other: each finds the first. */
export class HardLinks {
  private readonly first = new Map<string, string>();

  /** The first file that this one is a link to; undefined if it is the first, or no link. */
  find({ hard, blob, mode, uid, gid, mtime }: Entry, name: string): string | undefined {
    if (hard === undefined) return undefined;
    const key = [hard, blob, mode, uid, gid, mtime].join(" ");
    const found = this.first.get(key);
    if (found === undefined) this.first.set(key, name);
    return found;
  }
}

/** Whether a directory's own entry says nothing: it is left out. */
function isDefault({ mode, uid, gid }: Entry): boolean {
  return mode === 0o755 && uid === 0 && gid === 0;
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The folder of a path of a tree; "" is the root. */
export function parentOf(path: string): string {
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
  return { type: "dir", mode, uid: 0, gid: 0, mtime: now() };
}

export function newFile(blob: string, size: number, mode = 0o644): Entry {
  return { type: "file", mode, uid: 0, gid: 0, mtime: now(), blob, size };
}

export function newLink(target: string): Entry {
  return { type: "link", mode: 0o777, uid: 0, gid: 0, mtime: now(), target };
}

/** What is made now is dated now: some programs refuse the date 0, and archives before 1980. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}
