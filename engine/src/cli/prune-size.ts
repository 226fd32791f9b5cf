import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import { isNotFound } from "../docker/errors.ts";
import type { Session } from "../session/session.ts";

/** The cached result of one step: its record, and the bytes that its image adds. */
interface CachedStep {
  path: string;
  image: string;
  bytes: number;
  at: number;
}

const UNITS = ["", "k", "m", "g", "t"];

/** "500MB", "2GB" or a number of bytes; units are powers of 1000, as in the official CLI. */
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
 * Removes the oldest results until the rest is at most `limit` bytes; cache volumes do not count.
 * @returns the bytes freed and the bytes left.
 */
export async function pruneToSize(session: Session, limit: number): Promise<{ freed: number; left: number }> {
  const cached = await listCached(session);
  const before = blobBytes(session) + sum(cached);
  if (before <= limit) return { freed: 0, left: before };
  // Results of functions refer to files by IDs that are not parsed here; they are computed again from the cached steps.
  for (const kind of ["calls", "files"]) session.store.dropResults(kind);
  sweep(session, cached);
  let left = [...cached].sort((a, b) => a.at - b.at);
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

const sum = (cached: CachedStep[]): number => cached.reduce((total, { bytes }) => total + bytes, 0);

async function listCached(session: Session): Promise<CachedStep[]> {
  const records = ["execs", "builds", "images"].flatMap((kind) => {
    const folder = join(session.store.path, "results", kind);
    return files(folder).map((name) => join(folder, name));
  });
  const images = new Set<string>();
  const found = await Promise.all(
    records.map(async (path): Promise<CachedStep> => {
      const { image } = JSON.parse(readFileSync(path, "utf8")) as { image: string };
      // Two records may share an image, which counts once.
      const isNew = !images.has(image);
      images.add(image);
      return { path, image, at: statSync(path).mtimeMs, bytes: isNew ? await ownBytes(session, image) : 0 };
    }),
  );
  return found;
}

/** Bytes that an image adds to its base. */
async function ownBytes(session: Session, image: string): Promise<number> {
  try {
    const [last] = (await session.docker.getImage(image).history()) as { Size: number }[];
    return last?.Size ?? 0;
  } catch (error) {
    if (isNotFound(error)) return 0;
    throw error;
  }
}

/** Removes a record and its image, unless another image depends on it. */
async function forget(session: Session, { path, image }: CachedStep): Promise<boolean> {
  try {
    await session.docker.getImage(image).remove({ noprune: true } as never);
  } catch (error) {
    if (!isNotFound(error)) return false;
  }
  rmSync(path, { force: true });
  return true;
}

/** Removes the files that no record of a step refers to. */
function sweep(session: Session, cached: CachedStep[]): void {
  const used = new Set(
    cached.flatMap(({ path }) => readFileSync(path, "utf8").match(/\b[0-9a-f]{64}\b/g) ?? []),
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
