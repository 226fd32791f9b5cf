import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { ContainerState } from "../core/values.ts";
import type { Session } from "../session/session.ts";
import { digestOf } from "../store/store.ts";
import { configOf } from "./image-config.ts";
import { emptyImage, imageId } from "./images.ts";
import { configureImage } from "./layer.ts";
import { putTree } from "./put.ts";

/** More layers than this in one image are made one: Docker refuses more than about 125. */
const MAX_LAYERS = 100;

/** A container that never runs, to reach an image's files with; gone when `use` is done. */
export async function withIdleContainer<T>(
  session: Session,
  image: string,
  use: (container: Awaited<ReturnType<Session["docker"]["createContainer"]>>) => Promise<T>,
  binds: string[] = [],
): Promise<T> {
  const container = await session.createContainer({
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
export async function bakeOverlays(session: Session, state: ContainerState): Promise<ContainerState> {
  if (state.overlays.length === 0) return state;
  const base = state.image ?? (await emptyImage(session));
  const key = digestOf(
    "bake",
    base,
    state.overlays.map((tree) => tree.digest),
  );
  const image = await keptImage(session, key, () =>
    withIdleContainer(session, base, async (container) => {
      for (const tree of state.overlays) await putTree(session, container, tree);
      return ((await container.commit({})) as unknown as { Id: string }).Id;
    }),
  );
  return { ...state, image, layers: state.layers + 1, overlays: [] };
}

/** The state with an image that can still take layers. */
export async function withRoomForLayers(
  session: Session,
  state: ContainerState,
  most = MAX_LAYERS,
): Promise<ContainerState> {
  if (!state.image || state.layers < most) return state;
  const base = state.image;
  const image = await keptImage(session, digestOf("flat", base), () =>
    withIdleContainer(session, base, async (container) => {
      const archive = await container.export();
      const answer = (await session.docker.importImage(archive, {} as never)) as unknown as Readable;
      const lines = (await text(answer)).trim().split("\n");
      return (JSON.parse(lines[lines.length - 1] as string) as { status: string }).status;
    }),
  );
  return { ...state, image, layers: 1, imageEnv: [] };
}

/** An image that was made before, if Docker still has it, else a new one. */
export function keptImage(session: Session, key: string, make: () => Promise<string>): Promise<string> {
  return session.work.once(`image ${key}`, async () => {
    const kept = session.store.getResult<{ image: string }>("images", key);
    if (kept && (await imageId(session.docker, kept.image))) return kept.image;
    const image = await make();
    await session.store.putResult("images", key, { image });
    return image;
  });
}

/** ID of an image with a state's files and configuration, and nothing else: what users of the image get. */
export async function finishImage(session: Session, state: ContainerState): Promise<string> {
  const { image } = await bakeOverlays(session, state);
  const base = await session.docker.getImage(image ?? (await emptyImage(session))).inspect();
  return configureImage(session, base, configOf(state));
}

/** Writes a state as an image archive that `docker load` takes. */
export async function saveImage(
  session: Session,
  state: ContainerState,
): Promise<{ digest: string; size: number }> {
  const id = await finishImage(session, state);
  return session.store.writeBlob((await session.docker.getImage(id).get()) as unknown as Readable);
}
