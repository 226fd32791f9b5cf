import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { requirePublicKey } from "../src/site/public-key.ts";
import { generateKeyPair } from "../src/site/ssh-keys.ts";

const folder = temporaryFolder();

function publicKeyOf(...options: string[]): string {
  const path = join(folder, options.join("-").replace(/\W+/g, ""));
  execFileSync("ssh-keygen", ["-q", "-f", path, "-N", "", ...options]);
  return readFileSync(`${path}.pub`, "utf8");
}

const ed25519 = publicKeyOf("-t", "ed25519", "-C", "ci@example.com").trim();
const data = ed25519.split(" ")[1] as string;
const string = (text: string | Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text as string)]);
};
const securityKey = "sk-ssh-ed25519@openssh.com";
const ofSecurityKey = Buffer.concat([securityKey, Buffer.alloc(32, 7), "ssh:"].map(string)).toString(
  "base64",
);

describe("a public SSH key", () => {
  test.each([
    ["ed25519", `${ed25519}\n`],
    ["no comment", `ssh-ed25519 ${data}`],
    ["RSA", publicKeyOf("-t", "rsa", "-b", "2048")],
    ["ECDSA 256", generateKeyPair().publicKey],
    ["ECDSA 384", publicKeyOf("-t", "ecdsa", "-b", "384")],
    ["ECDSA 521", publicKeyOf("-t", "ecdsa", "-b", "521")],
    ["a security key", `${securityKey} ${ofSecurityKey} me`],
  ])("is accepted: %s", (_, key) => {
    expect(requirePublicKey(key)).toBe(key.trim());
  });

  test.each([
    ["four letters", "ssh-ed25519 AAAA test", /is cut off or changed: give what the \.pub file .* contains/],
    ["its end missing", `ssh-ed25519 ${data.slice(0, -8)}`, /is cut off or changed/],
    ["another kind", `ssh-rsa ${data}`, /is cut off or changed/],
    ["text after its data", `ssh-ed25519 ${data}AAAA`, /is cut off or changed/],
    ["a private key", generateKeyPair().privateKey, /is a private key/],
    ["nothing", " ", /is empty/],
    ["two keys", `${ed25519}\n${ed25519}`, /has more than one line/],
    ["a path", "/root/.ssh/id_ed25519.pub", /does not begin with a kind of key/],
    ["DSA", "ssh-dss AAAAB3NzaC1kc3M=", /does not begin with a kind of key/],
  ])("is refused: %s", (_, key, message) => {
    expect(() => requirePublicKey(key)).toThrow(message);
  });
});
