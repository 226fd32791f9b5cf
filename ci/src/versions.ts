/** All upstream images of the pipeline. Versions are pinned only in this file. */
export const images = {
  postgres: "postgres:17-bookworm",
  redis: "redis:7-alpine",
  kafka: "apache/kafka:4.1.1",
  python: "python:3.8.5-slim-buster",
  uv: "astral/uv:0.13.9",
  node: "node:24-bookworm-slim",
  shellcheck: "koalaman/shellcheck-alpine:v0.10.0",
  nginx: "nginx:1.28-bookworm",
  /** Used for its SSH client. */
  ssh: "docker:28-cli",
  registry: "registry:2.8.3",
  syft: "anchore/syft:v1.57.0",
  grype: "anchore/grype:v0.121.2",
  rclone: "rclone/rclone:1.76.0",
  chromium: "zenika/alpine-chrome:124",
  collector: "otel/opentelemetry-collector-contrib:0.149.0",
} as const;

/** Only the upstream images are used: because of their licence (AGPL), nothing is built from their sources. */
export const logStore = {
  loki: "grafana/loki:3.7.1",
  grafana: "grafana/grafana:12.3.0",
} as const;
