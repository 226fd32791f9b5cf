import { formatVersion, requireVersion } from "./semver.js";

/** Sources of the tags of an image. */
export interface TagSources {
  /** Used unchanged. */
  tags: readonly string[];
  /** A commit's full hash, or "". */
  commit: string;
  /** A branch's name, or "". */
  branch: string;
  /** A version such as "v1.4.2", or "". */
  version: string;
}

/** The grammar of a tag in the distribution specification, v1.1: https://github.com/opencontainers/distribution-spec */
const tagGrammar = /^\w[\w.-]{0,127}$/;

/** The tags of an image, each once. */
export interface ImageTags {
  /** Those given, the commit's and the branch's: set by every publication. */
  own: string[];
  /** The version's: it names one image for good. */
  version: string[];
  /** Those that follow the newest version: 1.4, 1 and latest. */
  moving: string[];
}

/**
 * Tags for an image: those given, `sha-` and 12 digits of the commit, the branch, and for version 1.4.2 the tags 1.4.2, 1.4,
 * 1 and latest. A pre-release gets only its own tag.
 * @throws Error for an invalid tag, and when there is no tag at all.
 */
export function imageTags({ tags, commit, branch, version }: TagSources): ImageTags {
  const exact = version ? formatVersion(requireVersion(version)) : "";
  const own = [
    ...tags,
    ...(commit ? [`sha-${requireHash(commit).slice(0, 12)}`] : []),
    ...(branch ? [branchTag(branch)] : []),
  ];
  const wrong = [...own, ...(version ? [exact] : [])].find((tag) => !tagGrammar.test(tag));
  if (wrong !== undefined) {
    throw new Error(
      `${JSON.stringify(wrong)} cannot be a tag: use letters, digits, "_", "." and "-", 128 at most`,
    );
  }
  if (own.length === 0 && !version)
    throw new Error("no tag to publish under: give --tag, --commit, --branch or --version");
  return {
    own: [...new Set(own)].filter((tag) => tag !== exact),
    version: version ? [exact] : [],
    moving: movingTags(version).filter((tag) => !own.includes(tag)),
  };
}

function requireHash(commit: string): string {
  if (!/^[0-9a-f]{12,64}$/.test(commit)) {
    throw new Error(
      `${JSON.stringify(commit)} is not a commit's hash: give what "git rev-parse HEAD" prints`,
    );
  }
  return commit;
}

/** "feature/new-page" becomes "feature-new-page". */
function branchTag(branch: string): string {
  return branch
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 128);
}

function movingTags(text: string): string[] {
  if (text === "") return [];
  const { major, minor, pre } = requireVersion(text);
  return pre.length > 0 ? [] : [`${major}.${minor}`, `${major}`, "latest"];
}

/** The registry of a repository: "ghcr.io" for "ghcr.io/you/app", Docker Hub if the first part is not a host name. */
export function registryOf(repository: string): string {
  const [first = "", ...rest] = repository.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost ? first : "docker.io";
}

const host =
  /(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+(?=:\d)|\[[0-9a-fA-F:]+\])(?::\d+)?/.source;
const part = /[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*/.source;
/**
 * The grammar of a repository, as Docker has it: https://pkg.go.dev/github.com/distribution/reference. environments/schema.json
 * has the same.
 */
export const repositoryGrammar = new RegExp(`^(?:${host}/)?${part}(?:/${part})*$`);
const howToWrite = "like you/app or ghcr.io/you/app, in lower case and without a tag";
export const repositoryRule = `an image's repository, ${howToWrite}`;

/** @throws Error for an invalid repository name, e.g. one with a tag or digest. */
export function requireRepository(repository: string): string {
  if (!repositoryGrammar.test(repository)) {
    throw new Error(`${JSON.stringify(repository)} is not a repository: write it ${howToWrite}`);
  }
  return repository;
}

/**
 * Platforms such as "linux/amd64", "linux/arm64" and "linux/arm/v7", without duplicates.
 * @throws Error for anything that is not a Linux platform.
 */
export function requirePlatforms(platforms: readonly string[]): string[] {
  const wrong = platforms.find((platform) => !/^linux\/[a-z0-9]+(?:\/v\d+)?$/.test(platform));
  if (wrong !== undefined) {
    throw new Error(`${JSON.stringify(wrong)} is not a platform: write it like linux/amd64 or linux/arm64`);
  }
  return [...new Set(platforms)];
}

/** A time in RFC 3339, or "". @throws Error for any other text. */
export function requireTime(time: string): string {
  if (time !== "" && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(time))
    throw new Error(`--created ${JSON.stringify(time)} is not a time: write it like 2026-11-24T21:04:23Z`);
  return time;
}
