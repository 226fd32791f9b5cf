import { goInstall } from "./go-install.ts";
import type { Recipe } from "./recipe.ts";
import { prepareAlpine } from "./recipes/alpine/prepare.ts";
import { prepareBase, SUITE } from "./recipes/base/prepare.ts";
import { COLLECTOR, prepareCollector } from "./recipes/collector/prepare.ts";
import { prepareKafka } from "./recipes/kafka/prepare.ts";
import { prepareNode } from "./recipes/node/prepare.ts";
import { installedPython, preparePython } from "./recipes/python-slim/prepare.ts";
import { prepareRclone, RCLONE } from "./recipes/rclone/prepare.ts";
import { prepareVictoriaLogs } from "./recipes/victoria-logs/prepare.ts";
import { parseReference } from "./reference.ts";

const base: Recipe = {
  name: "base",
  variant: SUITE,
  prepare: prepareBase,
  product: "Debian",
  version: ["cat", "/etc/debian_version"],
};

/** A stand-in that is Debian's package and needs nothing of the host. */
const packaged = (name: string, product: string, version: readonly string[]): Recipe => ({
  name,
  variant: SUITE,
  from: base,
  product,
  version,
});

function pythonSlim(tag: string): Recipe {
  const variant = installedPython(tag);
  const version = ["python3", "--version"];
  return {
    name: "python-slim",
    variant,
    from: base,
    prepare: preparePython(variant),
    product: "CPython",
    version,
  };
}

function python(tag: string): Recipe {
  const slim = pythonSlim(tag);
  return tag.includes("slim") ? slim : { ...slim, name: "python-full", from: slim, prepare: undefined };
}

function kafka(tag: string): Recipe {
  const variant = /^4\.\d+\.\d+/.exec(tag)?.[0] ?? tag;
  const version = ["/opt/kafka/bin/kafka-topics.sh", "--version"];
  return {
    name: "kafka",
    variant,
    from: base,
    prepare: prepareKafka(variant),
    product: "Apache Kafka",
    version,
  };
}

function node(): Recipe {
  // npm's own start shows that it was copied whole.
  const version = ["sh", "-c", "node --version && npm --version"];
  const variant = process.versions.node;
  return { name: "node", variant, from: base, prepare: prepareNode, product: "Node.js", version };
}

function collector(): Recipe {
  const product = "OpenTelemetry Collector";
  const version = ["/otelcol-contrib", "--version"];
  return { name: "collector", variant: COLLECTOR, from: base, prepare: prepareCollector, product, version };
}

function victoriaLogs(tag: string): Recipe {
  const variant = tag.replace(/^v/, "");
  const version = ["/victoria-logs-prod", "-version"];
  return {
    name: "victoria-logs",
    variant,
    from: base,
    prepare: prepareVictoriaLogs(variant),
    product: "VictoriaLogs",
    version,
  };
}

/** One of Anchore's tools: syft or grype. */
const anchore =
  (name: string, product: string) =>
  (tag: string): Recipe => ({
    name,
    variant: tag.slice(1),
    from: base,
    prepare: goInstall(`github.com/anchore/${name}/cmd/${name}@${tag}`),
    product,
    version: [`/${name}`, "version"],
  });

function rclone(): Recipe {
  const version = ["rclone", "version"];
  return { name: "rclone", variant: RCLONE, from: base, prepare: prepareRclone, product: "rclone", version };
}

interface Entry {
  repositories: readonly string[];
  /** Tags that the recipe can stand in for. */
  tags: RegExp;
  /** The images that this project uses, as upstream names them. */
  used: readonly string[];
  recipe(tag: string): Recipe;
}

/** Every upstream image that can be stood in for. */
const ENTRIES: readonly Entry[] = [
  { repositories: ["debian"], tags: /^(12|bookworm|stable)/, used: [], recipe: () => base },
  {
    repositories: ["python"],
    tags: /^\d+\.\d+/,
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
    recipe: () => ({ ...packaged("alpine", "BusyBox", ["busybox", "--help"]), prepare: prepareAlpine }),
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
    used: [], // by tests alone
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
];

/** Every image that this project uses and that can be stood in for. */
export const usedImages: readonly string[] = ENTRIES.flatMap((entry) => entry.used);

function entryOf(ref: string): Entry | undefined {
  const { registry, repository, tag, digest } = parseReference(ref);
  if (digest || registry !== "docker.io") return undefined;
  return ENTRIES.find((entry) => entry.repositories.includes(repository) && entry.tags.test(tag));
}

/** True when a stand-in for `ref` can be assembled. */
export const hasRecipe = (ref: string): boolean => entryOf(ref) !== undefined;

/** The recipe for `ref`, made out for this machine. Throws where the machine lacks what it is made from. */
export const recipeFor = (ref: string): Recipe | undefined => entryOf(ref)?.recipe(parseReference(ref).tag);
