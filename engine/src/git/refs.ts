import { UserError } from "../core/errors.ts";

export interface Ref {
  /** E.g. "refs/heads/main"; "" for a commit that was named by its hash. */
  name: string;
  sha: string;
}

/** What a repository has, as `git ls-remote --symref` prints it. */
export interface Refs {
  refs: Ref[];
  /** Names that stand for others: HEAD. */
  symbolic: Map<string, string>;
}

export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text);
}

export function parseRefs(output: string): Refs {
  const refs: Ref[] = [];
  const symbolic = new Map<string, string>();
  for (const line of output.split("\n")) {
    const [left = "", name] = line.split("\t");
    if (name === undefined) continue;
    if (left.startsWith("ref: ")) symbolic.set(name, left.slice("ref: ".length));
    else refs.push({ name, sha: left });
  }
  return { refs, symbolic };
}

/**
 * Finds a commit, a full name, a branch or a tag, in this order. An annotated tag stands for its commit.
 * @throws UserError if there is none.
 */
export function findRef({ refs, symbolic }: Refs, target: string): Ref {
  if (isCommit(target)) return { name: "", sha: target };
  const named = (...names: string[]): Ref | undefined => refs.findLast(({ name }) => names.includes(name));
  const under = (folder: string): string => (target.startsWith(folder) ? target : folder + target);
  const tag = under("refs/tags/");
  const found = named(target, under("refs/")) ?? named(under("refs/heads/")) ?? named(tag);
  const peeled = named(`${tag}^{}`);
  const ref = found?.name === tag && peeled ? { name: tag, sha: peeled.sha } : found;
  if (!ref) throw new UserError(`repository does not contain ref ${JSON.stringify(target)}`);
  return { name: symbolic.get(ref.name) ?? ref.name, sha: ref.sha };
}

/** Short names of branches or tags, of those that match one of the patterns if there are any. */
export function namesBelow({ refs }: Refs, folder: string, patterns: readonly string[] | null): string[] {
  const regexes = (patterns ?? []).map(tailPattern);
  return refs
    .map(({ name }) => name)
    .filter((name) => name.startsWith(folder) && !name.endsWith("^{}"))
    .filter((name) => regexes.length === 0 || regexes.some((regex) => regex.test(`/${name}`)))
    .map((name) => name.slice(folder.length));
}

/** A pattern of `git ls-remote`: it matches the end of a name, and a star also a slash. */
function tailPattern(pattern: string): RegExp {
  const source = pattern.replace(/\*+|\?|\[[!^]?(?:\[:\w+:\]|\\.|[^\]\\])+\]|\\?[\s\S]/g, (token) => {
    if (token.startsWith("*")) return ".*";
    if (token === "?") return ".";
    if (token.startsWith("[") && token.length > 1)
      return token.replace(/^\[[!^]/, "[^").replace(/\[:(\w+):\]/g, (_, name) => classes[name] ?? "");
    return token.slice(-1).replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
  });
  return new RegExp(`/${source}$`, "s");
}

const classes: Record<string, string> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  space: "\\s",
  xdigit: "0-9A-Fa-f",
};

/** The highest of the tags that are versions: "v1.2.3". */
export function latestVersion(refs: Refs): string {
  const versions = namesBelow(refs, "refs/tags/", ["refs/tags/v*"])
    .map((name) => ({ name, version: parseVersion(name) }))
    .filter((item): item is { name: string; version: Version } => item.version !== undefined)
    .sort((a, b) => compareVersions(a.version, b.version) || (a.name < b.name ? -1 : 1));
  const last = versions.pop();
  if (!last) throw new UserError("no valid semver tags found");
  return last.name;
}

interface Version {
  numbers: number[];
  pre: string[];
}

function parseVersion(name: string): Version | undefined {
  const number = "(0|[1-9]\\d*)";
  const found = new RegExp(
    `^v${number}(?:\\.${number}(?:\\.${number}(?:-([\\w.-]+))?(?:\\+[\\w.-]+)?)?)?$`,
  ).exec(name);
  if (!found) return undefined;
  const [, major, minor = "0", patch = "0", pre] = found;
  return { numbers: [major, minor, patch].map(Number), pre: pre?.split(".") ?? [] };
}

function compareVersions(a: Version, b: Version): number {
  for (const [i, number] of a.numbers.entries())
    if (number !== b.numbers[i]) return number - (b.numbers[i] ?? 0);
  // A version with a suffix precedes the one without.
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (const [i, part] of a.pre.entries()) {
    const other = b.pre[i];
    if (other === undefined) return 1;
    if (part !== other) return comparePart(part, other);
  }
  return a.pre.length - b.pre.length;
}

function comparePart(a: string, b: string): number {
  const [x, y] = [a, b].map((part) => (/^\d+$/.test(part) ? Number(part) : undefined));
  if (x !== undefined && y !== undefined) return x - y;
  if (x === undefined && y === undefined) return a < b ? -1 : 1;
  return x !== undefined ? -1 : 1;
}
