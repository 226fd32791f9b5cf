import type Docker from "dockerode";
import type { ContainerState } from "../core/values.ts";
import type { Session } from "../session/session.ts";
import { newFile, Tree } from "../store/tree.ts";
import type { ExecOptions } from "./exec.ts";
import { configureImage } from "./layer.ts";
import type { RanProcess } from "./process.ts";
import { putTree } from "./put.ts";
import { absolutePath } from "./read.ts";

/** Puts a process's output where `redirectStdout` and `redirectStderr` want it; both may name one file. */
export async function writeRedirects(
  session: Session,
  state: ContainerState,
  container: Docker.Container,
  { redirectStdout, redirectStderr }: ExecOptions,
  ran: RanProcess,
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
    const { size } = session.store.statBlob(blob);
    const tree = Tree.empty.with(absolutePath(state, path), newFile(blob, size));
    await putTree(session, container, tree);
  }
}

/** Makes an ended container's files an image. */
export async function commitContainer(
  session: Session,
  state: ContainerState,
  container: Docker.Container,
): Promise<{ image: string; layers: number; imageEnv: string[] }> {
  const { Id } = (await container.commit({ pause: false })) as unknown as { Id: string };
  const layers = state.layers + 1;
  if (state.volatileEnv.length === 0) return { image: Id, layers, imageEnv: state.env.map(([name]) => name) };
  // A commit keeps the container's variables; those that are of this run alone must not be kept.
  const committed = session.docker.getImage(Id);
  const image = await configureImage(session, await committed.inspect(), {});
  if (image !== Id) await committed.remove({ noprune: true } as never);
  return { image, layers, imageEnv: [] };
}
