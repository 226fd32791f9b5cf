import { cpus, release, totalmem } from "node:os";
import { $ } from "zx";

/** Describes this machine in one line. */
export async function describeMachine(): Promise<string> {
  const [processor] = cpus();
  const docker = await $({ quiet: true })`docker info --format ${"Docker {{.ServerVersion}} ({{.Driver}})"}`;
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, ${cpus().length} × ${processor?.model.trim() || process.arch}, ${memory}, Linux ${release()}, ${docker.stdout.trim()}, Node ${process.version}`;
}
