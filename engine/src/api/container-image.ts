import { resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import { type ContainerState, type FileValue, hostPlatform } from "../core/values.ts";
import { finishImage, saveImage } from "../docker/bake.ts";
import { stateFromImage, stateOfImage } from "../docker/images.ts";
import { loadArchive, publishImage, tagImage } from "../docker/registry.ts";
import type { Args, Evaluator } from "../session/evaluate.ts";
import type { Session } from "../session/session.ts";
import { exportEntry } from "../store/host.ts";
import { newFile } from "../store/tree.ts";
import { expandVariables } from "./container-config.ts";

/** What an image goes out as: this engine makes one, for its own platform, as Docker packs it. */
function requirePlain(args: Args): void {
  if (args.platformVariants.length > 0) {
    throw new UserError(
      `platformVariants: the embedded engine makes images for ${hostPlatform} alone; the official engine takes more`,
    );
  }
  if (args.registryService)
    throw new UserError("registryService: the embedded engine does not have it; the official engine does");
}

async function tarball(state: ContainerState, args: Args, session: Session): Promise<FileValue> {
  requirePlain(args);
  const { digest, size } = await saveImage(session, state);
  return { name: "image.tar", entry: newFile(digest, size) };
}

/** Fields of Container that make it from an image, or an image from it. */
export const containerImage: Record<string, Evaluator> = {
  from: (state: ContainerState, args, session) => {
    requirePlain({ platformVariants: [], ...args });
    return stateFromImage(session, state, args.address);
  },
  import: async (state: ContainerState, { source, tag }, session) => {
    const { entry } = await session.evaluate<FileValue>(source);
    const id = await loadArchive(session, entry.blob as string, tag);
    return { ...(await stateOfImage(session, id)), registryAuth: state.registryAuth };
  },
  asTarball: tarball,
  export: async (state: ContainerState, args, session) => {
    const path = resolve(session.workdir, args.expand ? expandVariables(state, args.path) : args.path);
    await exportEntry(session.store, (await tarball(state, args, session)).entry, path);
    return path;
  },
  exportImage: async (state: ContainerState, args, session) => {
    requirePlain(args);
    await tagImage(session, await finishImage(session, state), args.name);
    // The API says that it is never null.
    return "";
  },
  publish: (state: ContainerState, args, session) => {
    requirePlain(args);
    return publishImage(session, state, args.address);
  },
};
