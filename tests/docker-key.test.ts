import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../engine/test/folder.ts";

const script = fileURLToPath(new URL("../scripts/host/provisioning/docker.sh", import.meta.url));
const call = promisify(execFile);
const hasGpg = await call("gpg", ["--version"]).then(
  () => true,
  () => false,
);

describe.runIf(hasGpg)("provision accepts the key of Docker's repository", () => {
  const keys: Record<string, string> = {};
  let fingerprint = "";
  let served = "";
  const server = createServer((_, answer) => answer.end(served)).listen(0, "127.0.0.1");
  const env = { ...process.env, GNUPGHOME: temporaryFolder() };
  const gpg = async (...args: string[]): Promise<string> =>
    (await call("gpg", ["--batch", "--quiet", "--armor", ...args], { env })).stdout;

  beforeAll(async () => {
    for (const name of ["docker", "other"]) {
      await gpg(
        "--passphrase",
        "",
        "--quick-generate-key",
        `${name}@example.com`,
        "ed25519",
        "sign",
        "never",
      );
      keys[name] = await gpg("--export", name);
    }
    keys.both = await gpg("--export", "docker", "other");
    fingerprint = /^fpr:*(\w+):$/m.exec(await gpg("--list-keys", "--with-colons", "docker"))?.[1] ?? "";
  });
  afterAll(async () => {
    server.close();
    await call("gpgconf", ["--kill", "gpg-agent"], { env }).catch(() => {});
  });

  it.each([
    ["docker", /^put \S+docker\.asc\nput \S+docker\.list\n$/],
    ["other", /^failed: \S+gpg is not Docker's key \(\w{40}\): nothing was installed\n$/],
    // apt would trust what either of them signs.
    ["both", /^failed: \S+gpg is not Docker's key \(\w{40}\): nothing was installed\n$/],
  ])("alone: %s", async (name, outcome) => {
    served = keys[name] ?? "";
    const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const lines = [
      `. ${script}; docker_fingerprint=${fingerprint}; docker_site=${site}`,
      'fail() { echo "failed: $*"; exit 0; }; put_file() { cat >/dev/null; echo "put $1"; }; forget_lists() { :; }',
      "dpkg() { echo amd64; }; add_docker_repository",
    ];
    expect((await call("bash", ["-c", lines.join("\n")])).stdout).toMatch(outcome);
  });
});
