import type { Found } from "../docker/read.ts";

/** A path's properties, as the API returns them. */
export interface StatValue {
  name: string;
  fileType: "REGULAR" | "DIRECTORY" | "SYMLINK";
  /** Bytes. */
  size: number;
  permissions: number;
}

export function typeOf(found: Found): StatValue["fileType"] {
  if ("tree" in found) return "DIRECTORY";
  return found.entry.type === "link" ? "SYMLINK" : "REGULAR";
}

export function statOf(name: string, found: Found): StatValue {
  const { size = 0, mode = 0o755 } = "tree" in found ? (found.root ?? {}) : found.entry;
  return { name, fileType: typeOf(found), size, permissions: mode & 0o777 };
}
