import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ImageError } from "./errors.ts";

/**
 * Compares downloaded files with a list of SHA-256 checksums, in the format of `sha256sum`.
 * @param belongs which files of the folder are downloads.
 * @throws ImageError that names each file that differs, is missing or is not in the list.
 */
export async function verifyDownloads(
  folder: string,
  list: string,
  belongs: (name: string) => boolean = () => true,
): Promise<void> {
  const expected = parseChecksums(await readFile(list, "utf8"));
  const found = (await readdir(folder)).filter(belongs);
  const faults: string[] = [];
  for (const name of new Set([...expected.keys(), ...found])) {
    if (!found.includes(name)) faults.push(`${name} is missing`);
    else if (!expected.has(name)) faults.push(`${name} is not in the list`);
    else if (expected.get(name) !== (await checksumOf(join(folder, name)))) faults.push(`${name} differs`);
  }
  if (faults.length === 0) return;
  throw new ImageError(
    "BUILD_FAILED",
    `Downloaded files do not have the checksums in ${list}; nothing of them is used:`,
    faults.join("\n"),
  );
}

function parseChecksums(text: string): Map<string, string> {
  const lines = text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm);
  return new Map([...lines].map(([, checksum = "", name = ""]) => [name, checksum]));
}

const checksumOf = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
