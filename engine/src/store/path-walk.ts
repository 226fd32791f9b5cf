import { posix } from "node:path";

/** Maximum number of symbolic links on one path, as in the kernel. */
const MOST_LINKS = 40;

/**
 * Follows a path from the root of a file system, part by part, through symbolic links: whoever walks looks up what is at
 * `next` and passes it. A link leads no further up than to the root. Parts that do not exist stay as they are.
 */
export class PathWalk {
  /** What is behind: no link is in it. "" is the root, "a/b" a path. */
  at = "";
  private rest: string[];
  private links = 0;

  /** @param last whether a link at the end of the path is followed, too. */
  constructor(
    private readonly path: string,
    private readonly last = true,
  ) {
    this.rest = partsOf(path);
  }

  /** The path to look up next; undefined at the end. */
  get next(): string | undefined {
    const [name] = this.rest;
    return name === undefined ? undefined : joinPath(this.at, name);
  }

  /** What is left of the walk, as a path. */
  get remaining(): string {
    return [this.at, ...this.rest].filter((part) => part !== "").join("/");
  }

  /**
   * Goes on through what is at `next`.
   * @throws Error when links form a cycle.
   */
  pass(found: { type: string; target?: string } | undefined): void {
    const [name = "", ...rest] = this.rest;
    const isFollowed = found?.type === "link" && (this.last || rest.length > 0);
    if (!isFollowed) {
      this.at = joinPath(this.at, name);
      this.rest = rest;
      return;
    }
    if (++this.links > MOST_LINKS) throw new Error(`${this.path}: its symbolic links form a cycle`);
    this.rest = [...partsOf(posix.resolve("/", this.at, found.target ?? "")), ...rest];
    this.at = "";
  }
}

function partsOf(path: string): string[] {
  return posix
    .resolve("/", path)
    .split("/")
    .filter((part) => part !== "");
}

/** "a/b" of "a" and "b"; "" is the root. */
export function joinPath(folder: string, name: string): string {
  return folder === "" || name === "" ? folder + name : `${folder}/${name}`;
}
