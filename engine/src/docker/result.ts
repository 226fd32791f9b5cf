import type Docker from "dockerode";
import type { ContainerState, ExecOutcome } from "../core/values.ts";
import type { Store } from "../store/store.ts";
import { newFile, Tree } from "../store/tree.ts";
import type { ExecOptions } from "./exec-options.ts";
import { configureImage } from "./layer.ts";
import { absolutePath } from "./paths.ts";
import { proxiesOf } from "./proxies.ts";
import { putTree } from "./put.ts";
import type { Run } from "./run.ts";

/** Writes a process's output to the paths in `redirectStdout` and `redirectStderr`, which may be the same. */
export async function writeRedirects(
  store: Store,
  state: ContainerState,
  container: Docker.Container,
  { redirectStdout, redirectStderr }: ExecOptions,
  ran: ExecOutcome,
): Promise<void> {
  const isOneFile =
    redirectStdout !== "" &&
    absolutePath(state, redirectStdout) === absolutePath(state, redirectStderr || redirectStdout);
  const files: [path: string, blob: string][] =
    isOneFile && redirectStderr !== ""
      ? [[redirectStdout, ran.combined]]
      : [
          [redirectStdout, ran.stdout],
          [redirectStderr, ran.stderr],
        ];
  for (const [path, blob] of files) {
    if (path === "") continue;
    const { size } = store.statBlob(blob);
    const tree = Tree.empty.with(absolutePath(state, path), newFile(blob, size));
    await putTree(store, container, tree);
  }
}

/** Commits an exited container's files as an image. */
export async function commitContainer(
  run: Pick<Run, "docker" | "store">,
  state: ContainerState,
  container: Docker.Container,
): Promise<{ image: string; layers: number; imageEnv: string[] }> {
  const { Id } = (await container.commit({ pause: false })) as unknown as { Id: string };
  const layers = state.layers + 1;
  if (state.volatileEnv.length === 0 && proxiesOf(state).length === 0)
    return { image: Id, layers, imageEnv: state.env.map(([name]) => name) };
  // A commit includes the container's variables; volatile ones and proxies must not become part of the image.
  const committed = run.docker.getImage(Id);
  const image = await configureImage(run, await committed.inspect(), {});
  if (image !== Id) await committed.remove({ noprune: true } as never);
  return { image, layers, imageEnv: [] };
}
