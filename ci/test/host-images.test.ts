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

test("a deleted release's images are removed, except those of another release", () => {
  writeRelease("kept", { APP_IMAGE: `you/app@${next}`, NGINX_IMAGE: `nginx:1@${old}` });
  onMachine(`docker() { echo "$@" >>calls; }
    deployed_releases() { echo kept; }
    remove_images nginx:1@${old} you/app@${old}`);
  expect(readFileSync(join(folder, "calls"), "utf8")).toBe(`image rm you/app@${old}\n`);
});
