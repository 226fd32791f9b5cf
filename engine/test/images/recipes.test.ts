import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { uvRelease } from "../../src/images/recipes/uv/prepare.ts";
import { hasRecipe, recipeFor } from "../../src/images/recipes.ts";
import { temporaryFolder } from "../folder.ts";

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
  "buildpack-deps:bookworm",
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
  "python:2.7", // another command
  "python:3.12-", // no tag
  "python:3.12-windowsservercore", // another system
  "quay.io/python:3.8", // another registry's image of that name
  "astral-sh/uv:0.9", // not that path on Docker Hub
  "ghcr.io/astral-sh/uv:0.9-", // no tag of upstream
  "ghcr.io/astral-sh/uv:python3.12", // upstream always names the distribution
  `redis:7@sha256:${"a".repeat(64)}`, // a digest names one image only
])("%s has no stand-in", (ref) => expect(hasRecipe(ref)).toBe(false));

/** The recipe's image and what it is made of: "python-slim-3.12.1 on base". */
function made(ref: string): string {
  const { name, variant, from, copied } = recipeFor(ref) ?? {};
  return [`${name}-${variant}`, from && `on ${from.name}`, copied && `with ${copied.name}-${copied.variant}`]
    .filter(Boolean)
    .join(" ");
}

const pyenv = process.env.PYENV_ROOT;
afterEach(() => {
  if (pyenv === undefined) delete process.env.PYENV_ROOT;
  else process.env.PYENV_ROOT = pyenv;
});

/** Makes pyenv's installations these. */
function install(...versions: string[]): void {
  process.env.PYENV_ROOT = temporaryFolder();
  for (const version of versions)
    mkdirSync(join(process.env.PYENV_ROOT, "versions", version), { recursive: true });
}

const FULL = "on buildpack-deps with python-host";
const SLIM = "on base with python-host";
const ALPINE = "on alpine with python-host";

test.each([
  ["3.12", `python-full-3.12.9 ${FULL}-3.12.9`],
  ["3.12.4", `python-full-3.12.9 ${FULL}-3.12.9`],
  ["3.12-bookworm", `python-full-3.12.9 ${FULL}-3.12.9`],
  ["3.12.4-trixie", `python-full-3.12.9 ${FULL}-3.12.9`],
  ["3.8.5-buster", `python-full-3.8.18 ${FULL}-3.8.18`],
  ["3.8-bullseye", `python-full-3.8.18 ${FULL}-3.8.18`],
  ["3.12-slim", `python-slim-3.12.9 ${SLIM}-3.12.9`],
  ["3.12-slim-bookworm", `python-slim-3.12.9 ${SLIM}-3.12.9`],
  ["3.12.4-slim-trixie", `python-slim-3.12.9 ${SLIM}-3.12.9`],
  ["3.8.5-slim-buster", `python-slim-3.8.18 ${SLIM}-3.8.18`],
  ["3.12-alpine", `python-alpine-3.12.9 ${ALPINE}-3.12.9`],
  ["3.12.4-alpine3.20", `python-alpine-3.12.9 ${ALPINE}-3.12.9`],
  ["3", `python-full-3.12.9 ${FULL}-3.12.9`],
  ["latest", `python-full-3.12.9 ${FULL}-3.12.9`],
  ["bookworm", `python-full-3.12.9 ${FULL}-3.12.9`],
  ["slim", `python-slim-3.12.9 ${SLIM}-3.12.9`],
  ["3-slim-bookworm", `python-slim-3.12.9 ${SLIM}-3.12.9`],
  ["alpine", `python-alpine-3.12.9 ${ALPINE}-3.12.9`],
])("the stand-in for python:%s is %s", (tag, expected) => {
  install("3.8.18", "3.12.9", "3.12.1");
  expect(made(`python:${tag}`)).toBe(expected);
});

test("a CPython that is not installed is an error that says what to do", () => {
  install("3.8.18");
  expect(() => recipeFor("python:3.12.4-slim")).toThrow(
    /^No CPython 3\.12 in .*\/versions for a stand-in for python:3\.12\.4-slim\. Install it with pyenv: pyenv install 3\.12\. Or copy/,
  );
});

const newest = uvRelease();

test.each([
  ["0.9.5", "uv-0.9.5"],
  ["0.9", "uv-0.9.30"],
  ["0.99", "uv-0.99"],
  ["latest", `uv-${newest}`],
  ["debian", `uv-on-buildpack-deps-${newest}-bookworm on buildpack-deps with uv-${newest}`],
  ["bookworm-slim", `uv-on-base-${newest}-bookworm on base with uv-${newest}`],
  ["0.9.5-bookworm-slim", "uv-on-base-0.9.5-bookworm on base with uv-0.9.5"],
  ["0.9-trixie-slim", "uv-on-base-0.9.30-bookworm on base with uv-0.9.30"],
  ["0.9-alpine", "uv-on-alpine-0.9.30-bookworm on alpine with uv-0.9.30"],
  ["alpine3.22", `uv-on-alpine-${newest}-bookworm on alpine with uv-${newest}`],
  ["0.9-python3.12-bookworm", "uv-on-python-full-0.9.30-3.12.9 on python-full with uv-0.9.30"],
  ["python3.12-bookworm-slim", `uv-on-python-slim-${newest}-3.12.9 on python-slim with uv-${newest}`],
  ["0.9-python3.12-alpine", "uv-on-python-alpine-0.9.30-3.12.9 on python-alpine with uv-0.9.30"],
])("the stand-in for ghcr.io/astral-sh/uv:%s is %s", (tag, expected) => {
  install("3.12.9");
  expect(made(`ghcr.io/astral-sh/uv:${tag}`)).toBe(expected);
});

test("uv is on Docker Hub, too", () => expect(made("astral/uv:0.9")).toBe("uv-0.9.30"));
