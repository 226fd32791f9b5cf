import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./support.ts";

test.each([
  ["a short key", "key", "message"],
  ["a key of a block", "k".repeat(64), ""],
  ["a key longer than a block", "k".repeat(65), "message\n".repeat(1000)],
  ["a key with every special character", `\\x41 %s $HOME "'\`!*é`, "\0\x01\xff"],
])("the signature of a backup is HMAC-SHA256: %s", (_, key, message) => {
  const line = `. ${join(root, "scripts/host/lib/mac.sh")}; hmac_sha256 "$KEY"`;
  const made = execFileSync("bash", ["-euo", "pipefail", "-c", line], {
    env: { ...process.env, KEY: key },
    input: message,
    encoding: "utf8",
  });
  expect(made.trim()).toBe(createHmac("sha256", key).update(message).digest("hex"));
});
