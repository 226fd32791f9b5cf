import { posix } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import tarStream from "tar-stream";
import type { ContainerState } from "../core/values.ts";
import { digestOf } from "../store/store.ts";
import { bakeOverlays, cachedImage, withIdleContainer, withRoomForLayers } from "./bake.ts";
import { isNotFound } from "./errors.ts";
import { loadLayer } from "./layer.ts";
import type { ImageMaking } from "./run.ts";
import { statPath } from "./stat.ts";

/**
 * The state without some paths of its image. No process runs, so it works for an image without a shell: Docker loads a
 * layer that marks the paths as deleted.
 */
export async function removePaths(
  run: ImageMaking,
  given: ContainerState,
  paths: string[],
): Promise<ContainerState> {
  const state = await withRoomForLayers(run, await bakeOverlays(run, given));
  if (!state.image) return state;
  const base = state.image;
  const image = await cachedImage(run, digestOf("remove", base, paths), () =>
    withIdleContainer(run, base, async (container) => {
      const found = await Promise.all(paths.map((path) => realPath(container, path)));
      const existing = found.filter((path) => path !== undefined);
      if (existing.length === 0) return base;
      return loadLayer(run, base, await whiteouts(container, existing));
    }),
  );
  return { ...state, image, layers: state.layers + (image === base ? 0 : 1) };
}

/** A path with the links among its parents resolved; undefined if it does not exist. */
async function realPath(container: Docker.Container, path: string): Promise<string | undefined> {
  try {
    const parent = await resolveLink(container, posix.dirname(path));
    const real = posix.join(parent, posix.basename(path));
    await container.infoArchive({ path: real });
    return real;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Resolves a folder that may be a link, or be below one. */
async function resolveLink(container: Docker.Container, path: string): Promise<string> {
  if (path === "/") return path;
  const parent = await resolveLink(container, posix.dirname(path));
  const real = posix.join(parent, posix.basename(path));
  return (await statPath(container, real)).linkTarget || real;
}

/** A layer that hides paths. It repeats the parent folders, because their modes would change otherwise. */
async function whiteouts(container: Docker.Container, paths: string[]): Promise<Buffer> {
  const pack = tarStream.pack();
  const folders = new Set(paths.flatMap((path) => parents(path)));
  for (const folder of [...folders].sort())
    pack.entry({ ...(await headerOf(container, folder)), name: `${folder.slice(1)}/`, type: "directory" });
  for (const path of paths)
    pack.entry({ name: posix.join(posix.dirname(path), `.wh.${posix.basename(path)}`).slice(1) }, "");
  pack.finalize();
  return buffer(pack as unknown as Readable);
}

function parents(path: string): string[] {
  const dir = posix.dirname(path);
  return dir === "/" ? [] : [...parents(dir), dir];
}

/** Owner and mode of a folder, from the first item of its archive; the rest is not read. */
async function headerOf(container: Docker.Container, path: string): Promise<Partial<tarStream.Header>> {
  const source = (await container.getArchive({ path })) as unknown as Readable;
  const extract = tarStream.extract();
  source.on("error", () => undefined).pipe(extract);
  try {
    for await (const { header } of extract) {
      const { mode, uid, gid, mtime } = header;
      return { mode, uid, gid, mtime } as Partial<tarStream.Header>;
    }
    return {};
  } finally {
    source.destroy();
  }
}
