import { UserError } from "../core/errors.ts";

interface DockerFailure {
  statusCode?: number;
  code?: string;
  reason?: string;
  json?: { message?: string };
  message?: string;
}

export function isNotFound(error: unknown): boolean {
  return (error as DockerFailure)?.statusCode === 404;
}

/** Docker's own message, without the client's prefix. */
export function dockerMessage(error: unknown): string {
  const failure = error as DockerFailure;
  return failure?.json?.message ?? failure?.message ?? String(error);
}

/** Turns a connection failure or a full disk into one line with the remedy; returns any other error unchanged. */
export function explainDocker(error: unknown): Error {
  const code = (error as DockerFailure)?.code;
  if (code === "ECONNREFUSED" || code === "ENOENT" || code === "ECONNRESET" || code === "EPIPE") {
    return new UserError(`Docker does not answer (${code}): start it, or set DOCKER_HOST to one that runs`);
  }
  if (code === "ENOSPC") {
    return new UserError(
      `no space left on device (${dockerMessage(error)}): free some (dagger prune), or set STACKLINE_CACHE to another disk`,
    );
  }
  if (code === "EACCES" && dockerMessage(error).includes("connect")) {
    return new UserError(
      "Docker's socket may not be opened (EACCES): run as root or join the group `docker`",
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}
