import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../engine/test/folder.ts";
import { checkPrivateKey } from "../src/site/private-key.ts";
import { generateKeyPair } from "../src/site/ssh-keys.ts";

const folder = temporaryFolder();
let count = 0;

/** A key as ssh-keygen writes it, and its public part. */
function keyOf(...options: string[]): { text: string; publicText: string } {
  count += 1;
  const path = join(folder, String(count));
  execFileSync("ssh-keygen", ["-q", "-f", path, ...options]);
  return { text: readFileSync(path, "utf8"), publicText: readFileSync(`${path}.pub`, "utf8") };
}

const { text: key, publicText } = keyOf("-t", "ed25519", "-N", "", "-C", "ci@example.com");
const pkcs8 = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  format: "pem",
  type: "pkcs8",
}) as string;
const body = key.split("\n").slice(1, -2);

describe("a private SSH key", () => {
  test.each([
    ["ed25519", key],
    ["RSA", keyOf("-t", "rsa", "-N", "").text],
    ["RSA in PEM", keyOf("-t", "rsa", "-m", "PEM", "-N", "").text],
    ["RSA in PKCS 8", pkcs8],
    ["ECDSA", keyOf("-t", "ecdsa", "-b", "521", "-N", "").text],
    ["ECDSA in PEM", generateKeyPair().privateKey],
    ["Windows line ends", key.replaceAll("\n", "\r\n")],
    ["no line end at its end", key.trimEnd()],
    [
      "what openssl ecparam writes first",
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${generateKeyPair().privateKey}`,
    ],
  ])("is accepted: %s", (_, text) => {
    expect(() => checkPrivateKey(text)).not.toThrow();
  });

  test.each([
    ["an empty one", "", /is empty: is the variable or file that it names set\?/],
    ["white space", " \n", /is empty/],
    [
      "a passphrase",
      keyOf("-t", "ed25519", "-N", "secret").text,
      /has a passphrase.*ssh-keygen -p -N '' -f COPY/,
    ],
    ["a passphrase, PEM", keyOf("-t", "rsa", "-m", "PEM", "-N", "secret").text, /has a passphrase/],
    ["a passphrase, PKCS 8", keyOf("-t", "rsa", "-m", "PKCS8", "-N", "secret").text, /has a passphrase/],
    ["base64", Buffer.from(key).toString("base64"), /is encoded in base64: .*base64 --decode/],
    [
      "base64 in lines",
      Buffer.from(key)
        .toString("base64")
        .replace(/(.{76})/g, "$1\n"),
      /is encoded in base64/,
    ],
    ["\\n spelled out", key.replaceAll("\n", "\\n"), /has \\n spelled out/],
    ["\\n spelled out twice", key.replaceAll("\n", "\\\\n"), /has \\n spelled out/],
    [
      "spaces for line ends",
      key.replaceAll("\n", " "),
      /is on one line, with its line ends lost: quote the variable/,
    ],
    ["no line ends", key.replaceAll("\n", ""), /is on one line/],
    ["spaces for line ends but the last", `${key.trimEnd().replaceAll("\n", " ")}\n`, /is on one line/],
    ["a public key", publicText, /is a public key: give the private one, from the file without \.pub/],
    [
      "a public key in PEM",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      /is a public key/,
    ],
    [
      "PuTTY's format",
      "PuTTY-User-Key-File-3: ssh-ed25519\n",
      /is a key in PuTTY's format: convert it with puttygen/,
    ],
    ["a path", "~/.ssh/id_ed25519", /is a path, not a key: give --ssh-key=file:\/\/PATH/],
    ["another text", "hunter2", /is not a private key/],
    ["UTF-16", Buffer.from(`\ufeff${key}`, "utf16le").toString("utf8"), /is not plain text but UTF-16/],
    ["a byte order mark", `\ufeff${key}`, /byte order mark/],
    ["quotes", `"${key}"`, /has something before -----BEGIN/],
    ["indentation", key.replaceAll("\n", "\n  "), /has indented lines/],
    ["its end missing", key.slice(0, 200), /is cut off/],
    ["a line missing", key.replace(`${body[1]}\n`, ""), /is damaged/],
    ["a line missing, PEM", pkcs8.replace(/\n[^\n]+\n/, "\n"), /is damaged/],
    [
      "another curve",
      generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey.export({
        format: "pem",
        type: "sec1",
      }) as string,
      /is of a kind that SSH does not use here/,
    ],
  ])("is reported as what it is, with the remedy and without its content: %s", (_, text, message) => {
    expect(() => checkPrivateKey(text)).toThrow(message);
    try {
      checkPrivateKey(text);
    } catch (error) {
      const shown = (error as Error).message;
      expect(shown).toMatch(/^--ssh-key [^\n]+$/);
      for (const line of [...body, "hunter2"]) expect(shown).not.toContain(line.slice(0, 20));
    }
  });
});
