import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { $ } from "zx";
import { images, logStore } from "../../ci/src/versions.ts";
import { root } from "../stack/tools.ts";
import { dashboard, dashboardNames, mistakes, queries } from "./dashboard.ts";
import { unknownSettings } from "./loki-settings.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const { services } = parse(read("docker-compose.prod.yml"), { merge: true });
const loki = parse(read("logs/loki.yaml"));

describe("Loki's configuration", () => {
  test("has only documented settings with values of their kind", () => {
    expect(unknownSettings(loki)).toEqual([]);
    expect(unknownSettings({ ...loki, limits_config: { retention: "1h", ingestion_rate_mb: "4" } })).toEqual([
      "limits_config.retention is unknown",
      "limits_config.ingestion_rate_mb is no number",
    ]);
  });

  test("keeps data on the volume and deletes what is older than the retention", () => {
    expect(loki.schema_config.configs[0]).toMatchObject({ store: "tsdb", schema: "v13" });
    const mounted: string[] = services.loki.volumes;
    expect(mounted).toContain("loki:/loki");
    for (const path of [
      loki.common.path_prefix,
      loki.common.storage.filesystem.chunks_directory,
      loki.compactor.working_directory,
    ])
      expect(path).toMatch(/^\/loki/);
    expect(loki.compactor).toMatchObject({ retention_enabled: true, delete_request_store: "filesystem" });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Loki's own variable
    expect(loki.limits_config.retention_period).toBe("${LOKI_RETENTION}");
    expect(services.loki.environment).toHaveProperty("LOKI_RETENTION");
    expect(services.loki.command).toContain("-config.expand-env=true");
  });

  test("takes lines as long as the collector's longest piece", () => {
    const { operators } = parse(read("logs/records.yaml")).receivers.file_log;
    const bounds = operators.flatMap((operator: { max_log_size?: number }) => operator.max_log_size ?? []);
    expect(Math.max(...bounds) + 16_384).toBeLessThan(256 * 1024);
    expect(loki.limits_config.max_line_size).toBe("1MB");
  });
});

describe("Grafana's files", () => {
  test("give the data source that the dashboard names", () => {
    const { datasources } = parse(read("logs/grafana/datasources/loki.yaml"));
    expect(datasources).toMatchObject([
      { uid: "loki", type: "loki", url: `http://loki:${loki.server.http_listen_port}` },
    ]);
    const named = JSON.stringify(dashboard).match(/"uid":"(?!stackline)[^"]*"/g) ?? [];
    expect(new Set(named)).toEqual(new Set(['"uid":"loki"']));
  });

  test("have a dashboard of Grafana's schema", async () => {
    const folder = mkdtempSync(join(root, "node_modules", ".dashboard-"));
    try {
      const strict = structuredClone(dashboard);
      // Fields of the data source, which are not in the dashboard schema.
      for (const annotation of strict.annotations.list)
        for (const name of ["expr", "titleFormat", "textFormat"]) delete annotation[name];
      const text = `import type { Dashboard } from "@grafana/schema";\nexport const it: Dashboard = ${JSON.stringify(strict)};\n`;
      writeFileSync(join(folder, "dashboard.ts"), text);
      const options = [
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--moduleResolution",
        "bundler",
        "--module",
        "esnext",
        "--target",
        "es2022",
      ];
      const { stdout, exitCode } = await $({
        nothrow: true,
        quiet: true,
        cwd: root,
      })`npx tsc ${options} ${join(folder, "dashboard.ts")}`;
      expect(stdout).toBe("");
      expect(exitCode).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);

  test("show errors, requests, latency, slow requests and deploys, in LogQL", () => {
    for (const { expr } of queries()) expect(mistakes(expr), expr).toEqual([]);
    expect(mistakes("sum(rate({a=}[5m]))")).not.toEqual([]);
    const titles = dashboard.panels.map(({ title }: { title: string }) => title);
    expect(titles).toEqual(
      expect.arrayContaining([
        "Errors by service",
        "Requests by status",
        "Latency of requests",
        "Slow requests",
      ]),
    );
    expect(dashboard.annotations.list.map(({ name }: { name: string }) => name)).toEqual(["Deploys"]);
  });

  test("select by Loki's labels alone", () => {
    const [{ attributes }] = loki.limits_config.otlp_config.resource_attributes.attributes_config;
    const labels = attributes.map((name: string) => name.replaceAll(".", "_"));
    expect(dashboardNames().labels.filter((name) => !labels.includes(name))).toEqual([]);
  });
});

describe("the collector", () => {
  test("holds no capability, no Docker socket, and writes to its volume alone", () => {
    const { collector } = services;
    expect(collector).toMatchObject({ cap_drop: ["ALL"], read_only: true });
    expect(collector).not.toHaveProperty("privileged");
    expect(Object.values(services).some((service) => JSON.stringify(service).includes("docker.sock"))).toBe(
      false,
    );
    const writable = collector.volumes.filter((mount: string) => !mount.endsWith(":ro"));
    expect(writable).toEqual(["collector:/var/lib/otelcol"]);
  });

  test("does not read what it logs itself", () => {
    expect(services.collector.logging.driver).not.toBe("json-file");
  });

  test("uses only components that its stand-in is built with", () => {
    const modules = read("engine/src/images/recipes/collector/builder.yaml");
    const { receivers, processors, exporters, extensions } = parse(read("logs/collector.yaml"));
    const used = [receivers, processors, exporters, extensions]
      .flatMap(Object.keys)
      .map((name) => name.split("/")[0] ?? "");
    const missing = used.filter((name) => !modules.includes(`/${name.replaceAll("_", "")}`));
    expect(missing).toEqual([]);
  });

  test("has the release that versions.ts pins, and so have Loki and Grafana", () => {
    const names = { collector: images.collector, ...logStore };
    for (const [service, image] of Object.entries(names))
      expect(services[service].image).toMatch(new RegExp(`:-${image}}$`));
  });

  test("finds all of its files in logs/", () => {
    expect(readdirSync(join(root, "logs")).sort()).toEqual([
      "collector.yaml",
      "grafana",
      "loki.yaml",
      "records.yaml",
    ]);
  });
});
