import {
  alpine,
  anchore,
  base,
  buildpackDeps,
  collector,
  kafka,
  node,
  packaged,
  rclone,
  victoriaLogs,
} from "./products.ts";
import { PYTHON_TAGS, python } from "./python.ts";
import type { Recipe } from "./recipe.ts";
import { COLLECTOR } from "./recipes/collector/prepare.ts";
import { RCLONE } from "./recipes/rclone/prepare.ts";
import { parseReference } from "./reference.ts";
import { UV_TAGS, uv } from "./uv.ts";

interface Entry {
  /** Paths on Docker Hub, or with another registry's host in front. */
  repositories: readonly string[];
  /** Upstream tags that the recipe covers. */
  tags: RegExp;
  /** The upstream images that this project uses. */
  used: readonly string[];
  recipe(tag: string): Recipe;
}

/** Every upstream image that has a stand-in. */
const ENTRIES: readonly Entry[] = [
  { repositories: ["debian"], tags: /^(12|bookworm|stable)/, used: [], recipe: () => base },
  {
    repositories: ["buildpack-deps"],
    tags: /^(?:latest|(?:stable|(?:buster|bullseye|bookworm|trixie))(?:-scm|-curl)?)$/,
    used: [],
    recipe: () => buildpackDeps,
  },
  {
    repositories: ["python"],
    tags: PYTHON_TAGS,
    used: ["python:3.8.5-buster", "python:3.8.5-slim-buster"],
    recipe: python,
  },
  {
    repositories: ["redis", "valkey/valkey"],
    tags: /./,
    used: ["redis:7-alpine"],
    recipe: () => packaged("redis", "Redis", ["redis-server", "--version"]),
  },
  {
    repositories: ["postgres"],
    tags: /./,
    used: ["postgres:17-bookworm"],
    recipe: () => packaged("postgres", "PostgreSQL", ["postgres", "--version"]),
  },
  {
    repositories: ["apache/kafka"],
    tags: /^4\.\d+\.\d+/,
    used: ["apache/kafka:4.1.1"],
    recipe: kafka,
  },
  {
    repositories: ["nginx"],
    tags: /./,
    used: ["nginx:1.28-bookworm"],
    recipe: () => packaged("nginx", "nginx", ["sh", "-c", "nginx -v 2>&1"]),
  },
  {
    repositories: ["alpine"],
    tags: /./,
    used: [],
    recipe: alpine,
  },
  { repositories: ["node"], tags: /./, used: ["node:24-bookworm-slim"], recipe: node },
  {
    repositories: ["koalaman/shellcheck-alpine"],
    tags: /./,
    used: ["koalaman/shellcheck-alpine:v0.10.0"],
    recipe: () => packaged("shellcheck", "ShellCheck", ["shellcheck", "--version"]),
  },
  {
    repositories: ["docker"],
    tags: /cli$/,
    used: ["docker:28-cli"],
    recipe: () => packaged("docker-cli", "OpenSSH", ["sh", "-c", "ssh -V 2>&1"]),
  },
  {
    repositories: ["registry"],
    tags: /^2/,
    used: ["registry:2.8.3"],
    recipe: () => packaged("registry", "Distribution", ["registry", "--version"]),
  },
  {
    repositories: ["zenika/alpine-chrome"],
    tags: /./,
    used: ["zenika/alpine-chrome:124"],
    recipe: () => packaged("chromium", "Chromium", ["chromium-browser", "--version"]),
  },
  {
    repositories: ["otel/opentelemetry-collector-contrib"],
    tags: new RegExp(`^${COLLECTOR.replaceAll(".", "\\.")}$`),
    used: [`otel/opentelemetry-collector-contrib:${COLLECTOR}`],
    recipe: collector,
  },
  {
    repositories: ["victoriametrics/victoria-logs"],
    tags: /^v1\.\d+\.\d+$/,
    used: [], // only by tests
    recipe: victoriaLogs,
  },
  {
    repositories: ["anchore/syft"],
    tags: /^v1\.\d+\.\d+$/,
    used: ["anchore/syft:v1.57.0"],
    recipe: anchore("syft", "Syft"),
  },
  {
    repositories: ["anchore/grype"],
    tags: /^v0\.\d+\.\d+$/,
    used: ["anchore/grype:v0.121.2"],
    recipe: anchore("grype", "Grype"),
  },
  {
    repositories: ["rclone/rclone"],
    tags: new RegExp(`^${RCLONE.replaceAll(".", "\\.")}$`),
    used: [`rclone/rclone:${RCLONE}`],
    recipe: rclone,
  },
  {
    repositories: ["ghcr.io/astral-sh/uv", "astral/uv"],
    tags: UV_TAGS,
    used: ["astral/uv:0.13.9"],
    recipe: uv,
  },
];

/** Every image that this project uses and that has a stand-in. */
export const usedImages: readonly string[] = ENTRIES.flatMap((entry) => entry.used);

function entryOf(ref: string): Entry | undefined {
  const { registry, repository, tag, digest } = parseReference(ref);
  if (digest) return undefined;
  const name = registry === "docker.io" ? repository : `${registry}/${repository}`;
  return ENTRIES.find((entry) => entry.repositories.includes(name) && entry.tags.test(tag));
}

/** True when a stand-in for `ref` can be assembled. */
export const hasRecipe = (ref: string): boolean => entryOf(ref) !== undefined;

/** The recipe for `ref` on this machine. Throws if the machine lacks what the recipe needs. */
export const recipeFor = (ref: string): Recipe | undefined => entryOf(ref)?.recipe(parseReference(ref).tag);
