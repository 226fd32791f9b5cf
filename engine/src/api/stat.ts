import { posix } from "node:path";
import type { Found } from "../core/values.ts";
import type { Args } from "../session/context.ts";

/** A path's properties, as the API returns them. */
export interface StatValue {
  name: string;
  fileType: "REGULAR" | "DIRECTORY" | "SYMLINK";
  /** Bytes. */
  size: number;
  permissions: number;
}

/** What file systems give a folder's size as. */
const FOLDER_SIZE = 4_096;

export function statOf({ path, ...content }: Found): StatValue {
  const {
    type,
    mode,
    size = 0,
  } = "tree" in content ? { ...content.tree.own, size: FOLDER_SIZE } : content.entry;
  const name = posix.basename(path) || "/";
  const fileType = type === "dir" ? "DIRECTORY" : type === "link" ? "SYMLINK" : "REGULAR";
  return { name, fileType, size, permissions: mode & 0o777 };
}

/** Whether something exists, of the type that is asked for. */
export function isOfType(found: Found | undefined, expectedType: string | null): boolean {
  return found !== undefined && (!expectedType || expectedType === `${statOf(found).fileType}_TYPE`);
}

/** Whether a symbolic link itself is meant, not what it leads to. */
export function meansLink({ doNotFollowSymlinks, expectedType }: Args): boolean {
  return doNotFollowSymlinks || expectedType === "SYMLINK_TYPE";
}
