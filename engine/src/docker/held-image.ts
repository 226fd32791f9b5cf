import type { ContainerState } from "../core/values.ts";
import { ownProcess } from "../store/process.ts";
import { finishImage } from "./bake.ts";
import { isNotFound } from "./errors.ts";
import { HELD_IMAGES } from "./labels.ts";
import type { ImageMaking, Run } from "./run.ts";
import { removeTag } from "./tags.ts";

/** How often an image is made again that another process has removed in the meantime. */
const MOST_TRIES = 5;

let count = 0;

/**
 * Makes the final image of a state and holds it while `use` runs. Another process, or another push of this one, may have made
 * the same image: whoever removes its last tag removes it, so each user gives it a tag of its own.
 */
export async function withFinishedImage<T>(
  run: ImageMaking & Pick<Run, "id">,
  state: ContainerState,
  use: (id: string) => Promise<T>,
): Promise<T> {
  const tag = `${run.id}_${ownProcess()}_${++count}`;
  const id = await holdImage(run, state, tag);
  try {
    return await use(id);
  } finally {
    // Docker refuses while a container of this session has the image; the end of the session then removes the tag.
    await removeTag(run.docker, `${HELD_IMAGES}:${tag}`).catch(() => undefined);
  }
}

async function holdImage(run: ImageMaking, state: ContainerState, tag: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const id = await finishImage(run, state);
    try {
      await run.docker.getImage(id).tag({ repo: HELD_IMAGES, tag });
      return id;
    } catch (error) {
      if (!isNotFound(error) || tries === MOST_TRIES) throw error;
    }
  }
}
