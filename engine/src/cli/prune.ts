import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isNotFound } from "../docker/errors.ts";
import type { Session } from "../session/session.ts";
import type { Context } from "./command.ts";
import { parseSize, pruneToSize } from "./prune-size.ts";

/**
 * Removes the cache. `--results` removes the results of functions and execs, so that they run again, and leaves the
 * images of builds; `--max-size` removes the oldest results until the rest is no larger; without either, images, cache
 * volumes and files are removed too.
 */
export async function prune({ engine, options, out }: Context): Promise<number> {
  const { session } = engine;
  if (options.maxSize !== undefined) {
    const { freed, left } = await pruneToSize(session, parseSize(options.maxSize));
    out(`freed ${megabytes(freed)} MB, ${megabytes(left)} MB are left\n`);
    return 0;
  }
  const images = cachedImages(session, "execs");
  for (const kind of ["calls", "execs"]) session.store.dropResults(kind);
  if (options.results) {
    await removeImages(session, images);
    out("removed the results of functions and steps\n");
    return 0;
  }
  await removeImages(session, [
    ...images,
    ...cachedImages(session, "builds"),
    ...cachedImages(session, "images"),
  ]);
  for (const kind of ["builds", "images", "files", "modules"]) session.store.dropResults(kind);
  rmSync(join(session.store.path, "blobs"), { recursive: true, force: true });
  const { Volumes } = await session.docker.listVolumes({ filters: { label: ["dev.stackline.cache"] } });
  for (const { Name } of Volumes ?? [])
    await session.docker
      .getVolume(Name)
      .remove({ force: true })
      .catch(() => undefined);
  out("removed all results, images, cache volumes and files\n");
  return 0;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function cachedImages(session: Session, kind: string): string[] {
  const folder = join(session.store.path, "results", kind);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    try {
      return [(JSON.parse(readFileSync(join(folder, name), "utf8")) as { image: string }).image];
    } catch {
      return [];
    }
  });
}

/** Removes images, in several passes because later ones depend on earlier ones; images in use elsewhere stay. */
async function removeImages(session: Session, ids: string[]): Promise<void> {
  for (let left = [...new Set(ids)], before = -1; left.length > 0 && left.length !== before; ) {
    before = left.length;
    const results = await Promise.allSettled(
      left.map((id) => session.docker.getImage(id).remove({ noprune: true } as never)),
    );
    left = left.filter((_, i) => {
      const result = results[i] as PromiseSettledResult<unknown>;
      return result.status === "rejected" && !isNotFound(result.reason);
    });
  }
}
