import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** When a process started, in kernel ticks: distinguishes it from a later process with the same PID. */
function startTime(pid: number | string): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function host(): string {
  return hostname().replace(/[^A-Za-z0-9.-]/g, "-");
}

const own = `${process.pid}.${startTime(process.pid) || 0}.${host()}`;

/** A name for this process: PID, start time and host. */
export function ownProcess(): string {
  return own;
}

/** Whether a process may still run; one on another machine always may. */
export function isAlive(name: string): boolean {
  const [, pid, started, machine] = /^(\d+)\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (!pid || machine !== host()) return true;
  const now = startTime(pid);
  if (now !== "") return now === started;
  // No such process, or one that this system does not show: other users' are hidden where /proc is mounted with hidepid.
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
