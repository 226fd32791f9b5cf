import { expect, test } from "vitest";
import { hasRecipe } from "../../src/images/recipes.ts";

test.each([
  "python:3.8.5-buster",
  "docker.io/library/python:3.8.5-slim-buster",
  "postgres:17-bookworm",
  "postgres:16-alpine",
  "redis:7-alpine",
  "valkey/valkey:8",
  "apache/kafka:4.1.1",
  "nginx:1.28-bookworm",
  "node:24-bookworm-slim",
  "koalaman/shellcheck-alpine:v0.10.0",
  "debian:bookworm-slim",
  "alpine:3.16.2",
  "alpine",
  "otel/opentelemetry-collector-contrib:0.149.0",
  "victoriametrics/victoria-logs:v1.52.1",
  "anchore/syft:v1.57.0",
  "anchore/grype:v0.121.2",
  "rclone/rclone:1.76.0",
])("%s has a stand-in", (ref) => expect(hasRecipe(ref)).toBe(true));

test.each([
  "grafana/loki:3.5.0",
  "otel/opentelemetry-collector-contrib:0.150.0", // other components
  "apache/kafka:3.9.0", // other scripts and logging
  "debian:trixie",
  "quay.io/python:3.8", // another registry's image of that name
  `redis:7@sha256:${"a".repeat(64)}`, // a digest names one image only
])("%s has no stand-in", (ref) => expect(hasRecipe(ref)).toBe(false));
