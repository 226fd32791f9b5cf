import { gzipSync } from "node:zlib";

/** Folder of the scripts on the machine. */
const folder = "/var/lib/stackline/provision";

/** EC2's limit for user data; Hetzner's is twice that. */
const maxBytes = 16_384;

/**
 * cloud-init user data that writes the scripts to a machine at its first boot and runs `provision`.
 * @param files text by path
 * @throws Error if it exceeds the limit.
 */
export function cloudConfig(
  files: readonly (readonly [path: string, text: string])[],
  args: readonly string[],
): string {
  const config = {
    write_files: files.map(([path, text]) => ({
      path: `${folder}/${path}`,
      permissions: "0755",
      // Plain text would exceed the limit. Compression is deterministic, so equal scripts give equal user data.
      encoding: "gz+b64",
      content: gzipSync(text, { level: 9 }).toString("base64"),
    })),
    runcmd: [["bash", `${folder}/provision`, ...args]],
  };
  // JSON is valid YAML.
  const text = `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
  if (Buffer.byteLength(text) > maxBytes) {
    throw new Error(
      `cloud-init: ${Buffer.byteLength(text)} bytes of user data are more than EC2's ${maxBytes}`,
    );
  }
  return text;
}
