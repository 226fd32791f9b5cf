import { gzipSync } from "node:zlib";
import type { KeyPair } from "./ssh-keys.js";

/** Folder of the scripts on the machine. */
const folder = "/var/lib/stackline/provision";

/** EC2's limit for user data; Hetzner's is twice that. */
const maxBytes = 16_384;

/**
 * cloud-init user data that writes the scripts to a machine at its first boot and runs `provision`.
 * @param files text by path
 * @param hostKey the machine's host key; by default it generates its own.
 * @throws Error if it exceeds the limit.
 */
export function cloudConfig(
  files: readonly (readonly [path: string, text: string])[],
  args: readonly string[],
  hostKey?: KeyPair,
): string {
  const config = {
    ...(hostKey && { ssh_keys: { ecdsa_private: hostKey.privateKey, ecdsa_public: hostKey.publicKey } }),
    write_files: [
      {
        path: `${folder}/unpack`,
        permissions: "0755",
        // Plain text would exceed the limit. Compression is deterministic, so equal scripts give equal user data.
        encoding: "gz+b64",
        content: gzipSync(bundle(files), { level: 9 }).toString("base64"),
      },
    ],
    runcmd: [["bash", `${folder}/unpack`, ...args]],
  };
  // JSON is valid YAML.
  const text = `#cloud-config\n${hostKey ? aboutHostKey(hostKey) : ""}${JSON.stringify(config, null, 1)}\n`;
  if (Buffer.byteLength(text) > maxBytes) {
    throw new Error(
      `cloud-init: ${Buffer.byteLength(text)} bytes of user data are more than EC2's ${maxBytes}`,
    );
  }
  return text;
}

/** A script that writes all files beside itself and runs `provision`: together they compress better than one by one. */
function bundle(files: readonly (readonly [path: string, text: string])[]): string {
  const end = "END OF FILE";
  const writes = files.map(
    ([path, text]) =>
      `install -D -m 0755 /dev/stdin "$here/${path}" <<'${end}'\n${text.replace(/\n?$/, "\n")}${end}\n`,
  );
  return `set -eu\nhere=$(dirname "$0")\n${writes.join("")}exec bash "$here/provision" "$@"\n`;
}

function aboutHostKey({ publicKey }: KeyPair): string {
  return [
    "# This contains the private half of the machine's host key: keep it to yourself, and delete it when the machine exists.",
    "# Its public half, for the environment's file:",
    `#   "hostKey": "${publicKey}"`,
    "",
  ].join("\n");
}
