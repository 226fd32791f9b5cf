/** What the tags of an image are made from. */
export interface TagSources {
  /** Given as they are. */
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

/** Semantic Versioning 2.0.0, with the `v` that tags of repositories have in front: https://semver.org */
const semver = /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.-]+))?(?:\+[\w.-]+)?$/;

/**
 * Tags for an image: those given, `sha-` and 12 digits of the commit, the branch, and of version 1.4.2 the tags 1.4.2, 1.4,
 * 1 and latest; of a pre-release its own alone.
 * @throws Error for what cannot be a tag, and when there is none at all.
 */
export function imageTags({ tags, commit, branch, version }: TagSources): string[] {
  const all = [
    ...tags,
    ...(commit ? [`sha-${requireHash(commit).slice(0, 12)}`] : []),
    ...(branch ? [branchTag(branch)] : []),
    ...(version ? versionTags(version) : []),
  ];
  const wrong = all.find((tag) => !tagGrammar.test(tag));
  if (wrong !== undefined) {
    throw new Error(
      `${JSON.stringify(wrong)} cannot be a tag: use letters, digits, "_", "." and "-", 128 at most`,
    );
  }
  if (all.length === 0)
    throw new Error("no tag to publish under: give --tag, --commit, --branch or --version");
  return [...new Set(all)];
}

function requireHash(commit: string): string {
  if (!/^[0-9a-f]{12,64}$/.test(commit)) {
    throw new Error(
      `${JSON.stringify(commit)} is not a commit's hash: give what "git rev-parse HEAD" prints`,
    );
  }
  return commit;
}

/** "feature/new-page" gives "feature-new-page". */
function branchTag(branch: string): string {
  return branch
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 128);
}

function versionTags(version: string): string[] {
  const found = semver.exec(version);
  if (!found) throw new Error(`${JSON.stringify(version)} is not a version: write it like v1.4.2`);
  const [, major, minor, patch, pre] = found;
  return pre
    ? [`${major}.${minor}.${patch}-${pre}`]
    : [`${major}.${minor}.${patch}`, `${major}.${minor}`, `${major}`, "latest"];
}

/** The registry of a repository, Docker Hub unless its first part is a host: "ghcr.io/you/app" gives "ghcr.io". */
export function registryOf(repository: string): string {
  const [first = "", ...rest] = repository.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost ? first : "docker.io";
}

/** @throws Error when a repository's name carries a tag or digest, or is none. */
export function requireRepository(repository: string): string {
  if (
    !/^(?:[\w.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/.test(
      repository,
    )
  ) {
    throw new Error(
      `${JSON.stringify(repository)} is not a repository: write it like you/app or ghcr.io/you/app, without a tag`,
    );
  }
  return repository;
}

/**
 * Platforms as they are written for an image: "linux/amd64", "linux/arm64", "linux/arm/v7"; each comes once.
 * @throws Error for what names no platform of Linux.
 */
export function requirePlatforms(platforms: readonly string[]): string[] {
  const wrong = platforms.find((platform) => !/^linux\/[a-z0-9]+(?:\/v\d+)?$/.test(platform));
  if (wrong !== undefined) {
    throw new Error(`${JSON.stringify(wrong)} is not a platform: write it like linux/amd64 or linux/arm64`);
  }
  return [...new Set(platforms)];
}
