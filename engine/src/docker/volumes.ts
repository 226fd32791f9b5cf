import type { Mount } from "../core/values.ts";
import { digestOf } from "../store/store.ts";
import { newDirectory, Tree } from "../store/tree.ts";
import { withIdleContainer } from "./bake.ts";
import { emptyImage } from "./image-id.ts";
import { putTree } from "./put.ts";
import type { ImageMaking, Run } from "./run.ts";

const FOLDER = "volume";

/** A mounted directory as an entry of its parent, so that its own owner is set too. */
export function mountTree(mount: Mount, name: string, hidden: readonly string[] = []): Tree {
  const { uid = 0, gid = 0, mode = 0o755, tree = Tree.empty } = mount;
  return Tree.empty.with(name, { ...newDirectory(mode), uid, gid }).merge(
    name,
    hidden.reduce((left, path) => left.without(path), tree),
  );
}

/** Copies a mount's content into a volume, through a container: Docker offers no other way. */
export async function fillVolume(
  run: Pick<Run, "docker" | "store" | "createContainer">,
  volume: string,
  mount: Mount,
): Promise<void> {
  await withIdleContainer(
    run,
    await emptyImage(run.docker),
    (container) => putTree(run.store, container, mountTree(mount, FOLDER)),
    [`${volume}:/${FOLDER}:nocopy`],
  );
}

/** A volume with a read-only mount's content, shared by all steps of the session that mount the same. */
export function readOnlyVolume(run: ImageMaking & Pick<Run, "labels">, mount: Mount): Promise<string> {
  const key = digestOf("volume", mount.tree?.digest, mount.uid, mount.gid, mount.mode);
  return run.work.keep(key, async () => {
    const { name } = await run.docker.createVolume({ Labels: run.labels });
    await fillVolume(run, name, mount);
    return name;
  });
}
