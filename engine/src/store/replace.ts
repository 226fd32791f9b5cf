import { randomUUID } from "node:crypto";
import { createWriteStream, lstatSync, renameSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { writeError } from "./errors.ts";
import { finalTarget } from "./target.ts";

/** Puts what `make` writes at a path of its own in the place of `path`: complete, or not at all. */
export async function replacePath(
  path: string,
  make: (temporary: string) => void | Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.stackline-${randomUUID()}`);
  try {
    await make(temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

export function fill(path: string, from: Readable, signal?: AbortSignal): Promise<void> {
  return pipeline(from, createWriteStream(path), { ...(signal && { signal }) });
}

/** Reasons why a file cannot be replaced although it can be written: its folder is read-only, or it is a mount point. */
const IN_PLACE = ["EACCES", "EPERM", "EROFS", "EBUSY"];

export interface FileContent {
  open(): Readable;
  /** Sets mode and time of a new file. */
  finish?(path: string): void;
}

/**
 * Writes a host file and the folders that lead to it. A symbolic link is followed, and a device or a pipe is written to;
 * none of them is replaced.
 * @throws PathError that names the path. The file then has its old content.
 */
export async function writeHostFile(path: string, content: FileContent, signal?: AbortSignal): Promise<void> {
  try {
    const target = finalTarget(path);
    await mkdir(dirname(target), { recursive: true });
    const found = lstatSync(target, { throwIfNoEntry: false });
    if (found && !found.isFile()) return await fill(target, content.open(), signal);
    await replacePath(target, async (temporary) => {
      await fill(temporary, content.open(), signal);
      content.finish?.(temporary);
      signal?.throwIfAborted();
    }).catch(async (error: NodeJS.ErrnoException) => {
      if (!found || !IN_PLACE.includes(error.code ?? "")) throw error;
      await fill(target, content.open(), signal);
    });
  } catch (error) {
    throw writeError(path, error);
  }
}

/** @throws PathError that names the path. */
export function writeHostText(path: string, text: string): Promise<void> {
  return writeHostFile(path, { open: () => Readable.from([Buffer.from(text)]) });
}
