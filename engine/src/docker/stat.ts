import type Docker from "dockerode";
import { digestOf } from "../store/store.ts";
import { isNotFound } from "./errors.ts";
import type { ImageReading } from "./run.ts";

/** What an image has at a path. A link's target is the final one, as Docker resolves it. */
export interface PathInImage {
  type: "none" | "file" | "dir" | "link";
  target?: string;
}

/** Bits of Go's FileMode, in which Docker returns modes. */
const GO_DIRECTORY = 2 ** 31;
const GO_LINK = 2 ** 27;

/** A container of an image that never runs: for the session, because more than one look into its files is usual. */
export function idleContainer(run: ImageReading, image: string): Promise<Docker.Container> {
  return run.work.keep(`idle ${image}`, () =>
    run.createContainer({ Image: image, Entrypoint: ["-"], Cmd: [] }),
  );
}

/** What an image has at a path whose parents are no links. */
export async function statInImage(run: ImageReading, image: string, path: string): Promise<PathInImage> {
  const key = digestOf("stat", image, path);
  const cached = run.store.getResult<PathInImage>("files", key);
  if (cached) return cached;
  const found = await run.work.once(`stat ${key}`, async () =>
    lookInto(await idleContainer(run, image), path),
  );
  await run.store.putResult("files", key, found);
  return found;
}

async function lookInto(container: Docker.Container, path: string): Promise<PathInImage> {
  try {
    const { mode, linkTarget } = await statPath(container, path);
    if (hasBit(mode, GO_LINK)) return { type: "link", target: linkTarget };
    return { type: hasBit(mode, GO_DIRECTORY) ? "dir" : "file" };
  } catch (error) {
    if (isNotFound(error)) return { type: "none" };
    throw error;
  }
}

/** The numbers have more bits than JavaScript's bitwise operators. */
function hasBit(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1;
}

/** Docker's stat of a path; `linkTarget` is the final target of a symbolic link. */
export async function statPath(
  container: Docker.Container,
  path: string,
): Promise<{ mode: number; linkTarget: string }> {
  const { headers } = (await container.infoArchive({ path })) as unknown as {
    headers: Record<string, string>;
  };
  return JSON.parse(Buffer.from(headers["x-docker-container-path-stat"] ?? "", "base64").toString());
}
