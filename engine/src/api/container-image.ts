import type { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { ContainerState, FileValue } from "../core/values.ts";
import { withFinishedImage } from "../docker/held-image.ts";
import { stateFromImage, stateOfImage } from "../docker/images.ts";
import { loadArchive } from "../docker/load.ts";
import type { ArchiveOptions } from "../docker/oci-image.ts";
import { publishImage } from "../docker/publish.ts";
import { saveImage } from "../docker/save.ts";
import { tagImage } from "../docker/tags.ts";
import type { Args, Evaluator, Resolver, SessionContext } from "../session/context.ts";
import { exportFile } from "../store/export.ts";
import { hostPath } from "../store/host-path.ts";
import { checkTarget } from "../store/target.ts";
import { newFile } from "../store/tree.ts";
import { expandVariables } from "./container-config.ts";
import { exporting } from "./exporting.ts";

/**
 * The container to make an image of: this one, or the platform variant given instead. As in the official engine, a
 * container without files is ignored, and a platform may occur once; this engine supports only one.
 */
async function subject(state: ContainerState, args: Args, session: SessionContext): Promise<ContainerState> {
  refuseRegistryService(args);
  const variants = await Promise.all(
    (args.platformVariants as Call[]).map((variant) => session.evaluate<ContainerState>(variant)),
  );
  const [made, ...others] = [state, ...variants].filter(
    ({ image, overlays }) => image || overlays.length > 0,
  );
  if (!made)
    throw new UserError("no containers to export: neither this one nor a platform variant has files");
  if (others.some(({ platform }) => platform === made.platform)) {
    throw new UserError(
      `duplicate platform "${made.platform}": leave this container empty, or out of platformVariants`,
    );
  }
  if (others.length > 0) {
    throw new UserError(
      "platformVariants: the embedded engine makes images for one platform; the official engine takes more",
    );
  }
  return { ...made, registryAuth: [...state.registryAuth, ...made.registryAuth] };
}

function refuseRegistryService({ registryService }: Args): void {
  if (registryService)
    throw new UserError("registryService: the embedded engine does not have it; the official engine does");
}

/** The compression of layers and the media types that the arguments ask for. */
function archiveOptions(
  { forcedCompression, mediaTypes }: Args,
  compression: "Gzip" | "Uncompressed",
  level: number,
): Omit<ArchiveOptions, "annotations"> {
  const wanted = forcedCompression ?? compression;
  if (wanted !== "Gzip" && wanted !== "Uncompressed")
    throw new UserError(`forcedCompression: the embedded engine has no ${wanted}; the official engine does`);
  return { mediaTypes, ...(wanted === "Gzip" && { gzip: level }) };
}

async function tarball(
  state: ContainerState,
  args: Args,
  session: SessionContext,
  compression: "Gzip" | "Uncompressed",
): Promise<FileValue> {
  // The fastest level: the archive is written while somebody waits.
  const options = archiveOptions(args, compression, 1);
  const { digest, size } = await saveImage(session, await subject(state, args, session), options);
  // The mode of the official engine's: an image can contain what not everybody may read.
  return { name: "image.tar", entry: newFile(digest, size, 0o600) };
}

/** Fields of Container that import, export or publish images. */
export const containerImage: Record<string, Evaluator> = {
  from: (state: ContainerState, args, session) => {
    refuseRegistryService(args);
    return stateFromImage(session, state, args.address);
  },
  import: async (state: ContainerState, { source, tag }, session) => {
    const { entry } = await session.evaluate<FileValue>(source);
    const id = await loadArchive(session, entry.blob as string, tag);
    return { ...(await stateOfImage(session, id)), registryAuth: state.registryAuth };
  },
  asTarball: (
    state: ContainerState,
    args,
    session, // Uncompressed by default: most go on to `import` or a Docker on this machine.
  ) => tarball(state, args, session, "Uncompressed"),
  export: async (state: ContainerState, args, session) => {
    const path = hostPath(session.workdir, args.expand ? expandVariables(state, args.path) : args.path);
    checkTarget(path, "file");
    const { entry } = await tarball(state, args, session, "Gzip");
    await exportFile(session.store, entry, path, session.work.signal);
    return path;
  },
  exportImage: async (state: ContainerState, args, session) => {
    await withFinishedImage(session, await subject(state, args, session), (id) =>
      tagImage(session.docker, id, args.name),
    );
    // The API declares the field as non-null.
    return "";
  },
  publish: async (state: ContainerState, args, session) => {
    const options = archiveOptions(args, "Gzip", 6);
    return publishImage(session, await subject(state, args, session), args.address, options);
  },
};

export const containerResolvers: Record<string, Resolver> = {
  // Variables in the path are known only when the container is.
  export: exporting(({ path, expand }, { workdir }) => {
    if (!expand) checkTarget(hostPath(workdir, path), "file");
  }),
};
