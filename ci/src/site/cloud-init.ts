import { gzipSync } from "node:zlib";

/** Where cloud-init puts the scripts on the machine. */
const folder = "/var/lib/stackline/provision";

/** What EC2 takes as user data; Hetzner takes twice as much. */
const mostBytes = 16_384;

/**
 * cloud-init user data that writes scripts to a machine at its first start, and runs `provision` with arguments.
 * @param files text by path
 * @throws Error where it would be more than a provider takes.
 */
export function cloudConfig(
  files: readonly (readonly [path: string, text: string])[],
  args: readonly string[],
): string {
  const config = {
    write_files: files.map(([path, text]) => ({
      path: `${folder}/${path}`,
      permissions: "0755",
      // Packed: plain text would not fit. Level and header are fixed, so equal scripts give equal user data.
      encoding: "gz+b64",
      content: gzipSync(text, { level: 9 }).toString("base64"),
    })),
    runcmd: [["bash", `${folder}/provision`, ...args]],
  };
  // JSON is YAML, without its traps.
  const text = `#cloud-config\n${JSON.stringify(config, null, 1)}\n`;
  if (Buffer.byteLength(text) > mostBytes) {
    throw new Error(
      `cloud-init: ${Buffer.byteLength(text)} bytes of user data are more than EC2's ${mostBytes}`,
    );
  }
  return text;
}
