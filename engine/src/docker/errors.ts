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

/** Turns a full disk into one line with the remedy; returns any other error unchanged. */
export function explainFailure(error: unknown): Error {
  const code = (error as DockerFailure)?.code;
  if (code === "ENOSPC") {
    return new UserError(
      `no space left on device (${dockerMessage(error)}): free some (dagger prune), or set STACKLINE_CACHE to another disk`,
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}
