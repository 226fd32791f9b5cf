import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import type { ContainerState } from "../core/values.ts";
import { digestOf } from "../store/store.ts";
import { configOf } from "./image-config.ts";
import { emptyImage, imageId } from "./image-id.ts";
import { configureImage } from "./layer.ts";
import { putTree } from "./put.ts";
import type { ImageMaking, Run } from "./run.ts";

/** More layers than this in one image are made one: Docker refuses more than about 125. */
const MAX_LAYERS = 100;

/** A container that never runs, to reach an image's files with; gone when `use` is done. */
export async function withIdleContainer<T>(
  run: Pick<Run, "createContainer">,
  image: string,
  use: (container: Docker.Container) => Promise<T>,
  binds: string[] = [],
): Promise<T> {
  const container = await run.createContainer({
    Image: image,
    Entrypoint: ["-"],
    Cmd: [],
    HostConfig: { Binds: binds },
  });
  try {
    return await use(container);
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** The state with its overlays as part of its image; made once for the same files. */
export async function bakeOverlays(run: ImageMaking, state: ContainerState): Promise<ContainerState> {
  if (state.overlays.length === 0) return state;
  const base = state.image ?? (await emptyImage(run.docker));
  const key = digestOf(
    "bake",
    base,
    state.overlays.map((tree) => tree.digest),
  );
  const image = await keptImage(run, key, () =>
    withIdleContainer(run, base, async (container) => {
      for (const tree of state.overlays) await putTree(run.store, container, tree);
      return ((await container.commit({})) as unknown as { Id: string }).Id;
    }),
  );
  return { ...state, image, layers: state.layers + 1, overlays: [] };
}

/** The state with an image that can still take layers. */
export async function withRoomForLayers(
  run: ImageMaking,
  state: ContainerState,
  most = MAX_LAYERS,
): Promise<ContainerState> {
  if (!state.image || state.layers < most) return state;
  const base = state.image;
  const image = await keptImage(run, digestOf("flat", base), () =>
    withIdleContainer(run, base, async (container) => {
      const archive = await container.export();
      const answer = (await run.docker.importImage(archive, {} as never)) as unknown as Readable;
      const lines = (await text(answer)).trim().split("\n");
      return (JSON.parse(lines[lines.length - 1] as string) as { status: string }).status;
    }),
  );
  return { ...state, image, layers: 1, imageEnv: [] };
}

/** An image that was made before, if Docker still has it, else a new one. */
export function keptImage(
  run: Pick<Run, "docker" | "store" | "work">,
  key: string,
  make: () => Promise<string>,
): Promise<string> {
  return run.work.once(`image ${key}`, async () => {
    const kept = run.store.getResult<{ image: string }>("images", key);
    if (kept && (await imageId(run.docker, kept.image))) return kept.image;
    const image = await make();
    await run.store.putResult("images", key, { image });
    return image;
  });
}

/** ID of an image with a state's files and configuration, and nothing else: what users of the image get. */
export async function finishImage(run: ImageMaking, state: ContainerState): Promise<string> {
  const { image } = await bakeOverlays(run, state);
  const base = await run.docker.getImage(image ?? (await emptyImage(run.docker))).inspect();
  return configureImage(run, base, configOf(state));
}

/** Writes a state as an image archive that `docker load` takes. */
export async function saveImage(
  run: ImageMaking,
  state: ContainerState,
): Promise<{ digest: string; size: number }> {
  const id = await finishImage(run, state);
  return run.store.writeBlob((await run.docker.getImage(id).get()) as unknown as Readable);
}
