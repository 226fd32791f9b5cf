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

/** Images with more layers than this are flattened: Docker refuses more than about 125. */
const MAX_LAYERS = 100;

/** Creates a container that never runs, to access an image's files, and removes it after `use`. */
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

/** The state with its overlays committed to its image; cached by their content. */
export async function bakeOverlays(run: ImageMaking, state: ContainerState): Promise<ContainerState> {
  if (state.overlays.length === 0) return state;
  const base = state.image ?? (await emptyImage(run.docker));
  const key = digestOf(
    "bake",
    base,
    state.overlays.map((tree) => tree.digest),
  );
  const image = await cachedImage(run, key, () =>
    withIdleContainer(run, base, async (container) => {
      for (const tree of state.overlays) await putTree(run.store, container, tree);
      return ((await container.commit({})) as unknown as { Id: string }).Id;
    }),
  );
  return { ...state, image, layers: state.layers + 1, overlays: [] };
}

/** The state with its image flattened if it has too many layers. */
export async function withRoomForLayers(
  run: ImageMaking,
  state: ContainerState,
  most = MAX_LAYERS,
): Promise<ContainerState> {
  if (!state.image || state.layers < most) return state;
  const base = state.image;
  const image = await cachedImage(run, digestOf("flat", base), () =>
    withIdleContainer(run, base, async (container) => {
      const archive = await container.export();
      const answer = (await run.docker.importImage(archive, {} as never)) as unknown as Readable;
      const lines = (await text(answer)).trim().split("\n");
      return (JSON.parse(lines[lines.length - 1] as string) as { status: string }).status;
    }),
  );
  return { ...state, image, layers: 1, imageEnv: [] };
}

/** A cached image if Docker still has it, else a new one. */
export function cachedImage(
  run: Pick<Run, "docker" | "store" | "work">,
  key: string,
  make: () => Promise<string>,
): Promise<string> {
  return run.work.once(`image ${key}`, async () => {
    const cached = run.store.getResult<{ image: string }>("images", key);
    if (cached && (await imageId(run.docker, cached.image))) return cached.image;
    const image = await make();
    await run.store.putResult("images", key, { image });
    return image;
  });
}

/** More overlays than this become one layer. */
const MAX_OVERLAYS = 20;

/** ID of the final image: a state's files and configuration, and nothing else. What was laid over it becomes a layer each. */
export async function finishImage(run: ImageMaking, state: ContainerState): Promise<string> {
  let baked =
    state.overlays.length > MAX_OVERLAYS ? await bakeOverlays(run, state) : { ...state, overlays: [] };
  for (const tree of state.overlays.length > MAX_OVERLAYS ? [] : state.overlays)
    baked = await bakeOverlays(run, { ...baked, overlays: [tree] });
  const { image } = baked;
  const base = await run.docker.getImage(image ?? (await emptyImage(run.docker))).inspect();
  return configureImage(run, base, configOf(state));
}
