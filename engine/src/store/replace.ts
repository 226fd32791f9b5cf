import { randomUUID } from "node:crypto";
import type { Abortable } from "node:events";
import {
  constants,
  createWriteStream,
  existsSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
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
  return pipeline(from, createWriteStream(path), options(signal));
}

function options(signal?: AbortSignal): Abortable {
  return signal ? { signal } : {};
}

/**
 * Opens a pipe for writing once it has a reader. No thread waits for one, or for a slow one: Node would wait for that
 * thread at its own end.
 */
async function openPipe(path: string, signal?: AbortSignal): Promise<Writable> {
  for (;;) {
    try {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      return new Socket({ fd, readable: false, writable: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
      await sleep(50, undefined, options(signal));
    }
  }
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
    const found = statSync(target, { throwIfNoEntry: false });
    // A link is left only in /proc: it names an open file, whose path may lead to another one since.
    const isPlain = !found || (found.isFile() && !lstatSync(target).isSymbolicLink());
    if (isPlain) await replaceFile(target, content, signal);
    else if (found.isFIFO()) await pipeline(content.open(), await openPipe(target, signal), options(signal));
    else await fill(target, content.open(), signal);
  } catch (error) {
    throw writeError(path, error);
  }
}

async function replaceFile(path: string, content: FileContent, signal?: AbortSignal): Promise<void> {
  const exists = existsSync(path);
  try {
    await replacePath(path, async (temporary) => {
      await fill(temporary, content.open(), signal);
      content.finish?.(temporary);
      signal?.throwIfAborted();
    });
  } catch (error) {
    if (!exists || !IN_PLACE.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    await fill(path, content.open(), signal);
  }
}

/** @throws PathError that names the path. */
export function writeHostText(path: string, text: string, signal?: AbortSignal): Promise<void> {
  return writeHostFile(path, { open: () => Readable.from([Buffer.from(text)]) }, signal);
}
