import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import type { ContainerState } from "../core/values.ts";
import { parseReference } from "../images/reference.ts";
import { finishImage } from "./bake.ts";
import { findLogin } from "./credentials.ts";
import { imageId } from "./image-id.ts";
import type { ImageMaking, Run } from "./run.ts";

type Publishing = ImageMaking & Pick<Run, "progress" | "secrets">;

interface PushMessage {
  error?: string;
  aux?: { Digest?: string };
  status?: string;
}

/** Pushes a state's image; returns its address with the digest in the registry. */
export async function publishImage(run: Publishing, state: ContainerState, address: string): Promise<string> {
  return run.progress.step(`publish ${address}`, async (step) => {
    const id = await finishImage(run, state);
    const digest = await withTag(run.docker, id, address, (name) =>
      push(run, state, name, (status) => step.log(`${status}\n`)),
    );
    return `${address}@${digest}`;
  });
}

/** Tags an image while `use` runs, then restores the tag's previous image. */
async function withTag<T>(
  docker: Docker,
  id: string,
  address: string,
  use: (name: string) => Promise<T>,
): Promise<T> {
  const before = await imageId(docker, address);
  await tagImage(docker, id, address);
  try {
    return await use(address);
  } finally {
    if (before) await tagImage(docker, before, address);
    else await docker.getImage(address).remove({ noprune: true } as never);
  }
}

/** Tags an image in the local Docker. */
export async function tagImage(docker: Docker, id: string, address: string): Promise<void> {
  const { tag } = parseReference(address);
  const named = address.endsWith(`:${tag}`);
  const repo = named ? address.slice(0, -tag.length - 1) : address;
  await docker.getImage(id).tag({ repo, tag });
}

async function push(
  run: Publishing,
  state: ContainerState,
  name: string,
  log: (status: string) => void,
): Promise<string> {
  // Docker requires the field, even if it is empty.
  const { login: authconfig = {}, problem } = await findLogin(run.secrets, state, name);
  const failure = (cause: string): UserError =>
    new UserError(`publish ${name} failed: ${cause}${problem ? `; ${problem}` : ""}`);
  const stream = (await run.docker.getImage(name).push({ authconfig } as never)) as unknown as Readable;
  let digest: string | undefined;
  await new Promise<void>((resolve, reject) => {
    run.docker.modem.followProgress(
      stream,
      (error) => (error ? reject(error) : resolve()),
      ({ error, aux, status }: PushMessage) => {
        if (error) reject(failure(error));
        if (aux?.Digest) digest = aux.Digest;
        if (status) log(status);
      },
    );
  });
  if (!digest) throw failure("the registry named no digest");
  return digest;
}

/** Loads an image archive into Docker; returns the image's ID. */
export async function loadArchive(
  run: Pick<Run, "docker" | "store">,
  blob: string,
  tag: string,
): Promise<string> {
  const stream = (await run.docker.loadImage(run.store.readBlob(blob), {
    quiet: true,
  })) as unknown as Readable;
  const text = Buffer.concat(await stream.toArray()).toString();
  const loaded = [...text.matchAll(/Loaded image(?: ID)?: ([^\s"\\]+)/g)].map(([, name]) => name as string);
  const chosen = tag ? loaded.find((name) => name.endsWith(`:${tag}`)) : loaded[0];
  const id = chosen && (await imageId(run.docker, chosen));
  if (!id) {
    throw new UserError(
      `import: the archive holds ${loaded.length === 0 ? "no image" : loaded.join(", ")}${tag ? `, none with tag ${tag}` : ""}`,
    );
  }
  return id;
}
