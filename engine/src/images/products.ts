import { goInstall } from "./go-install.ts";
import type { Recipe } from "./recipe.ts";
import { prepareAlpine } from "./recipes/alpine/prepare.ts";
import { prepareBase, SUITE } from "./recipes/base/prepare.ts";
import { COLLECTOR, prepareCollector } from "./recipes/collector/prepare.ts";
import { prepareKafka } from "./recipes/kafka/prepare.ts";
import { prepareNode } from "./recipes/node/prepare.ts";
import { prepareRclone, RCLONE } from "./recipes/rclone/prepare.ts";
import { prepareVictoriaLogs } from "./recipes/victoria-logs/prepare.ts";

// The recipe of each stand-in, by product; `tag` is the tag of the upstream image.

export const base: Recipe = {
  name: "base",
  variant: SUITE,
  prepare: prepareBase,
  product: "Debian",
  version: ["cat", "/etc/debian_version"],
};

/** A stand-in that installs a Debian package and needs nothing from the host. */
export const packaged = (name: string, product: string, version: readonly string[]): Recipe => ({
  name,
  variant: SUITE,
  from: base,
  product,
  version,
});

export const buildpackDeps = packaged("buildpack-deps", "GCC", ["gcc", "-dumpfullversion"]);

export function kafka(tag: string): Recipe {
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

export function alpine(): Recipe {
  return { ...packaged("alpine", "BusyBox", ["busybox", "--help"]), prepare: prepareAlpine };
}

export function node(): Recipe {
  // Running npm shows that it was copied completely.
  const version = ["sh", "-c", "node --version && npm --version"];
  const variant = process.versions.node;
  return { name: "node", variant, from: base, prepare: prepareNode, product: "Node.js", version };
}

export function collector(): Recipe {
  const product = "OpenTelemetry Collector";
  const version = ["/otelcol-contrib", "--version"];
  return { name: "collector", variant: COLLECTOR, from: base, prepare: prepareCollector, product, version };
}

export function victoriaLogs(tag: string): Recipe {
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
export const anchore =
  (name: string, product: string) =>
  (tag: string): Recipe => ({
    name,
    variant: tag.slice(1),
    from: base,
    prepare: goInstall(`github.com/anchore/${name}/cmd/${name}@${tag}`),
    product,
    version: [`/${name}`, "version"],
  });

export function rclone(): Recipe {
  const version = ["rclone", "version"];
  return { name: "rclone", variant: RCLONE, from: base, prepare: prepareRclone, product: "rclone", version };
}
