import { createHash } from "node:crypto";
import { PassThrough, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import tarStream from "tar-stream";
import type { ContainerState, HealthcheckValue } from "../core/values.ts";
import type { Session } from "../session/session.ts";
import { packTree } from "../store/archive.ts";
import { parseDuration } from "./duration.ts";
import type { DockerHealthcheck } from "./images.ts";
import { emptyImage } from "./images.ts";

/** ID of a Docker image with a state's files; its configuration is not yet the state's. */
export async function bakeFiles(session: Session, state: ContainerState): Promise<string> {
  const base = state.image ?? (await emptyImage(session));
  if (state.overlays.length === 0) return base;
  const container = await session.docker.createContainer({
    Image: base,
    Entrypoint: ["-"],
    Cmd: [],
    Labels: session.labels,
  });
  try {
    for (const tree of state.overlays)
      await container.putArchive(packTree(session.store, tree), { path: "/" });
    return ((await container.commit({})) as unknown as { Id: string }).Id;
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/**
 * Writes a state as an image archive that `docker load` takes. Docker's own archive carries the configuration of the
 * container that a layer was committed from; it is replaced by the state's, so that the image says only what the
 * recipe says.
 */
export async function saveImage(
  session: Session,
  state: ContainerState,
): Promise<{ digest: string; size: number }> {
  const id = await bakeFiles(session, state);
  const source = (await session.docker.getImage(id).get()) as unknown as Readable;
  const pack = tarStream.pack();
  const written = session.store.writeBlob(pack.pipe(new PassThrough()));
  const copied = rewriteArchive(source, pack, state).catch((error: Error) => {
    pack.destroy(error);
    throw error;
  });
  const [blob] = await Promise.all([written, copied]);
  return blob;
}

interface Manifest {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[];
}

async function rewriteArchive(source: Readable, pack: tarStream.Pack, state: ContainerState): Promise<void> {
  const extract = tarStream.extract();
  source.on("error", (error) => extract.destroy(error));
  source.pipe(extract);
  let config: Record<string, unknown> | undefined;
  let manifest: Manifest | undefined;
  for await (const entry of extract) {
    const { name } = entry.header;
    if (name === "manifest.json")
      [manifest] = JSON.parse(await text(entry as unknown as Readable)) as [Manifest];
    else if (/^[0-9a-f]{64}\.json$/.test(name)) config = JSON.parse(await text(entry as unknown as Readable));
    else if (/\/(json|VERSION)$/.test(name) || name === "repositories") entry.resume();
    else {
      const sink = pack.entry(entry.header);
      (entry as unknown as Readable).pipe(sink);
      await finished(sink);
    }
  }
  if (!config || !manifest) throw new Error("Docker's image archive has no manifest");
  const json = JSON.stringify({
    architecture: config.architecture,
    os: config.os,
    created: config.created,
    config: imageConfig(state),
    rootfs: config.rootfs,
    history: cleanHistory(config.history as HistoryItem[] | undefined),
  });
  const configName = `${createHash("sha256").update(json).digest("hex")}.json`;
  pack.entry({ name: configName }, json);
  pack.entry(
    { name: "manifest.json" },
    JSON.stringify([{ Config: configName, RepoTags: null, Layers: manifest.Layers }]),
  );
  pack.finalize();
}

interface HistoryItem {
  created?: string;
  created_by?: string;
  empty_layer?: boolean;
}

/** Keeps which item made a layer; the commands of cached steps stay, as in any image. */
function cleanHistory(history: HistoryItem[] = []): HistoryItem[] {
  return history.map(({ created, created_by, empty_layer }) => ({
    ...(created && { created }),
    ...(created_by && { created_by }),
    ...(empty_layer && { empty_layer }),
  }));
}

function imageConfig(state: ContainerState): Record<string, unknown> {
  return {
    Env: state.env.map(([name, value]) => `${name}=${value}`),
    ...(state.entrypoint.length > 0 && { Entrypoint: state.entrypoint }),
    ...(state.args.length > 0 && { Cmd: state.args }),
    ...(state.workdir && { WorkingDir: state.workdir }),
    ...(state.user && { User: state.user }),
    ...(state.labels.length > 0 && { Labels: Object.fromEntries(state.labels) }),
    ...(state.stopSignal && { StopSignal: state.stopSignal }),
    ...(state.ports.length > 0 && {
      ExposedPorts: Object.fromEntries(
        state.ports.map(({ port, protocol }) => [`${port}/${protocol.toLowerCase()}`, {}]),
      ),
    }),
    ...(state.healthcheck && { Healthcheck: dockerHealthcheck(state.healthcheck) }),
  };
}

function dockerHealthcheck(check: HealthcheckValue): DockerHealthcheck {
  const nanoseconds = (text: string): number => Math.round(parseDuration(text) * 1e6);
  return {
    Test: [check.shell ? "CMD-SHELL" : "CMD", ...check.args],
    ...(check.interval && { Interval: nanoseconds(check.interval) }),
    ...(check.timeout && { Timeout: nanoseconds(check.timeout) }),
    ...(check.startPeriod && { StartPeriod: nanoseconds(check.startPeriod) }),
    ...(check.retries && { Retries: check.retries }),
  };
}
