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

/** Semantic Versioning 2.0.0, with the usual prefix `v` of Git tags: https://semver.org */
const semver = /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.-]+))?(?:\+[\w.-]+)?$/;

/**
 * Tags for an image: those given, `sha-` and 12 digits of the commit, the branch, and for version 1.4.2 the tags 1.4.2, 1.4,
 * 1 and latest. A pre-release gets only its own tag.
 * @throws Error for an invalid tag, and when there is no tag at all.
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

/** "feature/new-page" becomes "feature-new-page". */
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

/** The registry of a repository: "ghcr.io" for "ghcr.io/you/app", Docker Hub if the first part is not a host name. */
export function registryOf(repository: string): string {
  const [first = "", ...rest] = repository.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost ? first : "docker.io";
}

/** @throws Error for an invalid repository name, e.g. one with a tag or digest. */
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
