import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type Docker from "dockerode";
import { isNotFound } from "./errors.ts";

const SESSION = "dev.stackline.session";
const OWNER = "dev.stackline.owner";

/** Labels of everything that a session makes in Docker and has to take away again. */
export function sessionLabels(sessionId: string): Record<string, string> {
  return { [SESSION]: sessionId, [OWNER]: `${hostname()}:${process.pid}:${startTime(process.pid)}` };
}

/** When a process started, in the kernel's ticks: tells a process from a later one with the same number. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAbandoned(owner: string | undefined): boolean {
  const [host, pid, started] = (owner ?? "").split(":");
  if (host !== hostname()) return false;
  if (process.platform === "linux") return startTime(Number(pid)) !== started;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch {
    return true;
  }
}

type Labelled = { Labels?: Record<string, string> | null };

/** Removes what a session left in Docker: one that ends, or, without an ID, those whose process is gone. */
export async function removeSessionObjects(docker: Docker, sessionId?: string): Promise<void> {
  const filters = { label: [sessionId ? `${SESSION}=${sessionId}` : SESSION] };
  const ours = (item: Labelled): boolean => Boolean(sessionId) || isAbandoned(item.Labels?.[OWNER]);
  const containers = await docker.listContainers({ all: true, filters });
  await settle(
    containers.filter(ours).map((c) => docker.getContainer(c.Id).remove({ force: true, v: true })),
  );
  const networks = await docker.listNetworks({ filters });
  await settle(networks.filter(ours).map((n) => docker.getNetwork(n.Id).remove()));
  const { Volumes } = await docker.listVolumes({ filters });
  await settle((Volumes ?? []).filter(ours).map((v) => docker.getVolume(v.Name).remove({ force: true })));
}

async function settle(removals: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(removals)) {
    if (result.status === "rejected" && !isNotFound(result.reason) && !isInProgress(result.reason))
      throw result.reason;
  }
}

/** Somebody else is removing it at this moment: the end is the same. */
function isInProgress(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 409;
}
