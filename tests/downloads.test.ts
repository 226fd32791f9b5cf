import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "../scripts/lib/module.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const list = execFileSync(
  "git",
  [
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
    "app",
    "ci/src",
    "ci/image",
    "engine/src",
    "scripts",
  ],
  { cwd: root },
);
const files = list.toString().trim().split("\n");
const programs = files.filter((path) => !/\.(md|txt|in)$/.test(path));

/** Commands that bring files from another machine, in a shell or as a list of arguments. apt verifies by itself. */
const DOWNLOADS =
  /\b(curl|wget) -|\b(pip3?|uv|npm)"?,?\s*\(?\[?\s*"?(ci|install|download|pack)\b|run\("mvn"|run\(\s*"?go\b/;

/** Every file with such a command, and the row of docs/security.md that says how its downloads are verified. */
const known: Record<string, string> = {
  "ci/image/Dockerfile": "The application's packages",
  "ci/image/install.py": "The application's packages",
  "ci/image/own-image": "setuptools, coverage, gunicorn, poetry",
  "ci/src/packaging/frontend.ts": "The application's packages",
  "ci/src/pipeline/linters.ts": "The linters' Python packages",
  "engine/src/images/go-install.ts": "Go modules and the Go toolchain",
  "engine/src/images/golang.ts": "Go modules and the Go toolchain",
  "engine/src/images/recipes/alpine/prepare.ts": "yarn, wheel",
  "engine/src/images/recipes/collector/prepare.ts": "Go modules and the Go toolchain",
  "engine/src/images/recipes/kafka/prepare.ts": "Kafka's jars",
  "engine/src/images/recipes/python-host/prepare.ts": "yarn, wheel",
  "engine/src/images/recipes/python/Dockerfile": "yarn, wheel",
  "engine/src/images/recipes/rclone/prepare.ts": "Go modules and the Go toolchain",
  "engine/src/images/recipes/victoria-logs/prepare.ts": "Go modules and the Go toolchain",
  "engine/src/images/recipes/uv/prepare.ts": "uv",
  "scripts/host/provisioning/docker.sh": "Docker on a new VM",
  "scripts/install-dagger": "The Dagger command line",
  "scripts/lib/bench/image.ts": "The application's packages",
  "scripts/lib/setup.sh": "npm packages",
};

/** They only ask a service that they have started. */
const queries = ["scripts/host/lib/logs.sh"];

it("docs/security.md says of every download how it is verified", () => {
  const found = programs.filter((path) => DOWNLOADS.test(read(path)) && !queries.includes(path));
  expect(found.sort()).toEqual(Object.keys(known).sort());
  const [, table = ""] = read("docs/security.md").split("## Downloads");
  expect(Object.values(known).filter((row) => !table.includes(`| ${row} `))).toEqual([]);
});

it("no command turns a verification off", () => {
  const off =
    /--allow-unauthenticated|trusted=yes|AllowInsecure|--insecure\b|\bcurl -\w*k|--no-check-certificate|--trusted-host|strict-ssl=false|GOINSECURE|GONOSUM|GOFLAGS.*-insecure|GOSUMDB\W+off|NODE_TLS_REJECT_UNAUTHORIZED|--no-check-gpg|StrictHostKeyChecking[= ]no/;
  expect(programs.filter((path) => off.test(read(path)))).toEqual([]);
});
