import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import { isNotFound } from "../docker/errors.ts";
import type { Session } from "../session/session.ts";

/** What is kept of one step: its record, and the part of its image that is its own. */
interface Kept {
  path: string;
  image: string;
  bytes: number;
  at: number;
}

const UNITS = ["", "k", "m", "g", "t"];

/** "500MB", "2GB" or a number of bytes; thousands, as the official command line has them. */
export function parseSize(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (!number) {
    throw new UserError(
      `invalid value ${JSON.stringify(text)} for --max-size: give a number of bytes, or one such as 5GB`,
    );
  }
  return Number(number) * 1000 ** UNITS.indexOf(unit.toLowerCase());
}

/**
 * Forgets the oldest results until what is left takes no more than `limit` bytes; cache volumes do not count.
 * @returns the bytes that were freed and that are left.
 */
export async function pruneToSize(session: Session, limit: number): Promise<{ freed: number; left: number }> {
  const kept = await listKept(session);
  const before = blobBytes(session) + sum(kept);
  if (before <= limit) return { freed: 0, left: before };
  // Answers of functions refer to files in ways that are not seen from outside; they are made again from the steps.
  for (const kind of ["calls", "files"]) session.store.dropResults(kind);
  sweep(session, kept);
  let left = [...kept].sort((a, b) => a.at - b.at);
  for (let progress = true; progress && blobBytes(session) + sum(left) > limit; ) {
    progress = false;
    for (const item of left) {
      if (blobBytes(session) + sum(left) <= limit) break;
      if (!(await forget(session, item))) continue;
      left = left.filter((other) => other !== item);
      progress = true;
      sweep(session, left);
    }
  }
  const after = blobBytes(session) + sum(left);
  return { freed: before - after, left: after };
}

const sum = (kept: Kept[]): number => kept.reduce((total, { bytes }) => total + bytes, 0);

async function listKept(session: Session): Promise<Kept[]> {
  const records = ["execs", "builds", "images"].flatMap((kind) => {
    const folder = join(session.store.path, "results", kind);
    return files(folder).map((name) => join(folder, name));
  });
  const images = new Set<string>();
  const found = await Promise.all(
    records.map(async (path): Promise<Kept> => {
      const { image } = JSON.parse(readFileSync(path, "utf8")) as { image: string };
      // Two records may share an image, which takes its room once.
      const isNew = !images.has(image);
      images.add(image);
      return { path, image, at: statSync(path).mtimeMs, bytes: isNew ? await ownBytes(session, image) : 0 };
    }),
  );
  return found;
}

/** What an image adds to those that it was made from. */
async function ownBytes(session: Session, image: string): Promise<number> {
  try {
    const [last] = (await session.docker.getImage(image).history()) as { Size: number }[];
    return last?.Size ?? 0;
  } catch (error) {
    if (isNotFound(error)) return 0;
    throw error;
  }
}

/** Takes a record and its image away, unless another image still needs that. */
async function forget(session: Session, { path, image }: Kept): Promise<boolean> {
  try {
    await session.docker.getImage(image).remove({ noprune: true } as never);
  } catch (error) {
    if (!isNotFound(error)) return false;
  }
  rmSync(path, { force: true });
  return true;
}

/** Takes away the files that no record of a step refers to. */
function sweep(session: Session, kept: Kept[]): void {
  const used = new Set(
    kept.flatMap(({ path }) => readFileSync(path, "utf8").match(/\b[0-9a-f]{64}\b/g) ?? []),
  );
  for (const [digest, path] of blobs(session)) if (!used.has(digest)) rmSync(path, { force: true });
}

function blobBytes(session: Session): number {
  return blobs(session).reduce((total, [, path]) => total + statSync(path).size, 0);
}

function blobs(session: Session): [digest: string, path: string][] {
  const root = join(session.store.path, "blobs");
  return files(root).flatMap((folder) =>
    files(join(root, folder)).map((name): [string, string] => [folder + name, join(root, folder, name)]),
  );
}

function files(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
