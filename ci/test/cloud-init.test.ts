import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import yaml from "yaml";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { cloudConfig } from "../src/site/cloud-init.js";
import { parseEnvironment } from "../src/site/environment.ts";
import { checkProvisioning } from "../src/site/provisioning.ts";
import { generateKeyPair } from "../src/site/ssh-keys.ts";

const host = new URL("../../scripts/host/", import.meta.url);
const parts = readdirSync(new URL("provisioning/", host)).map((name) => `provisioning/${name}`);
const files = ["provision", ...parts].map((path): [string, string] => [
  path,
  readFileSync(new URL(path, host), "utf8"),
]);

const environment = {
  host: "vm.example.com",
  user: "deploy",
  hostKey: generateKeyPair().publicKey,
  repository: "you/app",
};

interface Config {
  write_files: { path: string; encoding: string; content: string }[];
  runcmd: string[][];
}
const parse = (text: string): Config => JSON.parse(text.replace(/^#cloud-config\n/, ""));

describe("user data", () => {
  test("contains the scripts that provision runs, within EC2's size limit", () => {
    const text = cloudConfig(files, ["--user", "deploy"]);
    expect(text.length).toBeLessThan(16_384);
    const { write_files: written, runcmd } = parse(text);
    const [{ path, content } = { path: "", content: "" }] = written;
    expect(runcmd).toEqual([["bash", path, "--user", "deploy"]]);
    const folder = temporaryFolder();
    writeFileSync(join(folder, "unpack"), gunzipSync(Buffer.from(content, "base64")));
    const ran = execFileSync("bash", [join(folder, "unpack"), "--help"], { encoding: "utf8" });
    expect(ran).toContain("provision [OPTION...]");
    for (const [name, source] of files) expect(readFileSync(join(folder, name), "utf8")).toBe(source);
  });

  test("contains a generated host key that sshd reads, and its public half for the environment", () => {
    const hostKey = generateKeyPair();
    const text = cloudConfig(files, ["--authorized-key", `ssh-ed25519 ${"A".repeat(68)}`], hostKey);
    expect(text.length).toBeLessThan(16_384);
    expect(text).toMatch(/^#cloud-config\n/);
    expect(text).toContain(`#   "hostKey": "${hostKey.publicKey}"\n`);
    const { ssh_keys: keys } = yaml.parse(text);
    expect(keys).toEqual({ ecdsa_private: hostKey.privateKey, ecdsa_public: hostKey.publicKey });
    const file = join(temporaryFolder(), "key");
    writeFileSync(file, keys.ecdsa_private, { mode: 0o600 });
    expect(execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim()).toBe(
      keys.ecdsa_public,
    );
    expect(
      parseEnvironment("new", JSON.stringify({ ...environment, hostKey: keys.ecdsa_public })).hostKey,
    ).toBe(hostKey.publicKey);
  });

  test("needs no machine: neither its address nor its host key", () => {
    const open = ["host", "hostKey"];
    for (const given of [{}, { host: "", hostKey: "what ssh-keyscan prints" }]) {
      const read = parseEnvironment(
        "new",
        JSON.stringify({ user: "deploy", repository: "you/app", ...given }),
        open,
      );
      expect(read).toMatchObject({ host: "", hostKey: "", user: "deploy", port: 22 });
    }
    expect(() => parseEnvironment("new", JSON.stringify({ ...environment, user: "Root" }), open)).toThrow(
      /user is/,
    );
  });

  test.each([
    ["root", 0, /environments\/new\.json: user is root: provision creates another user/],
    ["deploy", -1, /--swap -1: give a whole number of megabytes/],
    ["deploy", 0.5, /--swap 0\.5/],
  ])("is refused where provision would fail at the first boot: %s, %d", (user, swap, message) => {
    const read = parseEnvironment("new", JSON.stringify({ ...environment, user }));
    expect(() => checkProvisioning(read, { swap })).toThrow(message);
  });

  test("is deterministic", () => {
    expect(cloudConfig(files, [])).toBe(cloudConfig(files, []));
  });

  test("that exceeds the limit is rejected", () => {
    const noise = Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 65_521).toString(36)).join("");
    expect(() => cloudConfig([["noise", noise]], [])).toThrow(/bytes of user data are more than EC2's 16384/);
  });
});
