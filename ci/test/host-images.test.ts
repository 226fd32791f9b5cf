import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "../../scripts/lib/module.ts";

const [old, next] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stackline-images-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeRelease(name: string, settings: Record<string, string>): void {
  mkdirSync(join(folder, name));
  const lines = Object.entries(settings).map(([setting, value]) => `${setting}=${value}\n`);
  writeFileSync(join(folder, name, "release.env"), lines.join(""));
}

/** Runs functions of the machine's scripts, with the services that a release's settings name. */
function onMachine(line: string): string {
  const services = `active_services() { sed -n 's/^\\([A-Z]*\\)_IMAGE=/\\1 /p' "$1/release.env"; }`;
  const script = `set -euo pipefail
    directory=. project=stackline
    for part in say settings images; do . ${root}scripts/host/lib/$part.sh; done
    ${services}
    ${line}`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8", cwd: folder });
}

test("a deploy lists the images that change, except the application's own", () => {
  writeRelease("old", {
    APP_IMAGE: `you/app@${old}`,
    NGINX_IMAGE: `nginx:1@${old}`,
    KAFKA_IMAGE: `kafka:3@${old}`,
  });
  writeRelease("new", {
    APP_IMAGE: `you/app@${next}`,
    NGINX_IMAGE: `nginx:1@${next}`,
    KAFKA_IMAGE: `kafka:3@${old}`,
  });
  expect(onMachine("image_changes old new")).toMatch(
    /^.*image +NGINX: nginx:1, sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb; its container is replaced\n$/,
  );
  expect(onMachine("image_changes new new")).toBe("");
});

test("an image without a digest keeps the one that serves, if its tag is the same", () => {
  writeRelease("old", {
    NGINX_IMAGE: `nginx:1@${old}`,
    KAFKA_IMAGE: `kafka:3@${old}`,
    REDIS_IMAGE: `redis:7@${old}`,
  });
  writeRelease("new", { NGINX_IMAGE: "nginx:1", KAFKA_IMAGE: "kafka:4", REDIS_IMAGE: `redis:7@${next}` });
  expect(onMachine("keep_digests new old")).toContain("nginx:1 stays at sha256:aaaaaaaaaaaa: ");
  expect(readFileSync(join(folder, "new/release.env"), "utf8").split("\n").sort().slice(1)).toEqual([
    "KAFKA_IMAGE=kafka:4",
    `NGINX_IMAGE=nginx:1@${old}`,
    `REDIS_IMAGE=redis:7@${next}`,
  ]);
});

/** Docker with these images, "TAG NAME@DIGEST" lines; `used` names one that a container uses. */
function prune(local: string[], pulled: string[], used = ""): string[] {
  writeFileSync(join(folder, "local"), local.map((line) => `${line}\n`).join(""));
  writeFileSync(join(folder, "pulled"), pulled.map((name) => `${name}\n`).join(""));
  onMachine(`
    docker() {
      case "$*" in
        "image ls"*) grep -F " \${!#}@" local || true ;;
        "image rm"*) [ "$3" != "${used}" ] && sed -i "\\#[ ]$3\\$#d" local ;;
        "image inspect"*) grep -q " $3\\$" local ;;
      esac
    }
    deployed_releases() { echo kept; }
    current_release() { echo kept; }
    prune_images`);
  return readFileSync(join(folder, "local"), "utf8").trim().split("\n");
}

test("images that no release names are removed, and only those that a deploy has pulled or the application's without a tag", () => {
  const [third, fourth] = ["c", "d"].map((digit) => `sha256:${digit.repeat(64)}`);
  writeRelease("kept", { APP_IMAGE: `docker.io/you/app@${next}`, NGINX_IMAGE: `nginx:1@${old}` });
  writeFileSync(join(folder, "kept/images"), "redis:7\n");
  const others = [`debug you/app:debug@${third}`, `<none> somebody/else@${old}`, `15 postgres:15@${third}`];
  const named = [`<none> you/app@${next}`, `1 nginx:1@${old}`, "7 redis:7"];
  const gone = [`<none> you/app@${third}`, `2 nginx:2@${fourth}`, "6 redis:6"];
  const pulled = [`nginx:1@${old}`, `nginx:2@${fourth}`, "redis:7", "redis:6", "never:1"];
  expect(prune([...others, ...named, ...gone], pulled)).toEqual([...others, ...named]);
  expect(readFileSync(join(folder, "pulled"), "utf8").split("\n")).not.toContain("redis:6");
});

test("an image that a container still uses is removed as soon as none does", () => {
  writeRelease("kept", { APP_IMAGE: `you/app@${next}` });
  const local = [`<none> you/app@${next}`, "1 old:1"];
  expect(prune(local, ["old:1"], "old:1")).toEqual(local);
  expect(readFileSync(join(folder, "pulled"), "utf8")).toContain("old:1\n");
  expect(prune(local, ["old:1"])).toEqual([`<none> you/app@${next}`]);
});

test("an image is known as pulled before the pull begins", () => {
  writeRelease("new", { APP_IMAGE: `you/app@${next}` });
  writeFileSync(join(folder, "docker"), "#!/bin/sh\nfalse\n", { mode: 0o755 });
  const script = "PATH=$PWD:$PATH payload=new; (pull_images new) 2>&1 || true; cat pulled";
  expect(onMachine(script)).toMatch(new RegExp(`cannot be pulled: .*\nyou/app@${next}\n$`));
});
