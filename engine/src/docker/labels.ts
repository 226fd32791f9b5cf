import type Docker from "dockerode";
import { isAlive, ownProcess } from "../store/process.ts";
import { isNotFound } from "./errors.ts";

const SESSION = "dev.stackline.session";
const OWNER = "dev.stackline.owner";
const PREFIX = "stackline_";

/** Repository of the tags that hold images in use; a tag is "SESSION_OWNER_NUMBER". */
export const HELD_IMAGES = "stackline/held";

/** Labels of everything that a session creates in Docker and has to remove again. */
export function sessionLabels(sessionId: string): Record<string, string> {
  return { [SESSION]: sessionId, [OWNER]: ownProcess() };
}

let count = 0;

/**
 * A name for a container of a session. The name identifies the owner: labels cannot, because they are copied to images
 * committed from the container, and from those to containers that others start.
 */
export function containerName(sessionId: string): string {
  return `${PREFIX}${sessionId}_${ownProcess()}_${++count}`;
}

/** Removes a session's objects from Docker or, without an ID, those of all sessions whose process is gone. */
export async function removeSessionObjects(docker: Docker, sessionId?: string): Promise<void> {
  const isOurs = (session: string | undefined, owner: string | undefined): boolean =>
    sessionId ? session === sessionId : owner !== undefined && !isAlive(owner);
  const labelled = ({ Labels }: { Labels?: Record<string, string> | null }): boolean =>
    isOurs(Labels?.[SESSION], Labels?.[OWNER]);
  const containers = await docker.listContainers({
    all: true,
    filters: { name: [`^/?${PREFIX}${sessionId ?? ""}`] },
  });
  const named = containers.filter(({ Names }) => {
    const [, session, owner] = (Names[0] ?? "").split("_");
    return isOurs(session, owner);
  });
  await settle(named.map((c) => docker.getContainer(c.Id).remove({ force: true, v: true })));
  const images = await docker.listImages({ filters: { reference: [HELD_IMAGES] } });
  const held = images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((name) => {
      const [, tag = ""] = name.split(`${HELD_IMAGES}:`);
      const [session, owner] = tag.split("_");
      return tag !== "" && isOurs(session, owner);
    });
  await settle(held.map(async (name) => docker.getImage(name).remove({ noprune: true } as never)));
  const filters = { label: [sessionId ? `${SESSION}=${sessionId}` : SESSION] };
  const networks = await docker.listNetworks({ filters });
  await settle(networks.filter(labelled).map((n) => removeNetwork(docker, n.Id)));
  const { Volumes } = await docker.listVolumes({ filters });
  await settle((Volumes ?? []).filter(labelled).map((v) => docker.getVolume(v.Name).remove({ force: true })));
}

/** Disconnects all containers first, including those of other programs: Docker refuses to remove a network in use. */
async function removeNetwork(docker: Docker, id: string): Promise<void> {
  const network = docker.getNetwork(id);
  const { Containers = {} } = (await network.inspect()) as { Containers?: Record<string, unknown> };
  await Promise.allSettled(
    Object.keys(Containers).map((Container) => network.disconnect({ Container, Force: true })),
  );
  await network.remove();
}

async function settle(removals: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(removals)) {
    if (result.status === "rejected" && !isNotFound(result.reason) && !isInProgress(result.reason))
      throw result.reason;
  }
}

/** Another process is removing it at the same moment. */
function isInProgress(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 409;
}
