import {
  chmodSync,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/**
 * Makes a build context usable whatever umask and line endings the checkout and this process have: all users of the image can
 * read the files, and scripts have Unix line endings.
 */
export function makePublic(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) continue;
    if (stat.isFile() && isScript(path)) useUnixLineEndings(path);
    const mode = stat.mode | (stat.isDirectory() || stat.mode & 0o111 ? 0o555 : 0o444);
    if (mode !== stat.mode) chmodSync(path, mode);
  }
}

function isScript(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(2);
    readSync(file, start);
    return start.toString() === "#!";
  } finally {
    closeSync(file);
  }
}

function useUnixLineEndings(path: string): void {
  const text = readFileSync(path, "latin1");
  if (text.includes("\r\n")) writeFileSync(path, text.replaceAll("\r\n", "\n"), "latin1");
}
