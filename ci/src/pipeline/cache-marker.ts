import type { Container } from "@dagger.io/dagger";

/** File in which a command records when it ran, in seconds since 1970. */
const marker = "/tmp/.stackline-ran";

/** The same command, which also records when it runs. */
export function withMarker(command: readonly string[]): string[] {
  return ["sh", "-c", `date +%s >${marker}; exec "$@"`, "sh", ...command];
}

/**
 * Whether the result of the last command, made by {@link withMarker}, came from the cache.
 * @param since milliseconds since 1970. Engine and module share a clock; a command that ran in the same second counts as run.
 */
export async function isCached(container: Container, since: number): Promise<boolean> {
  return Number(await container.file(marker).contents()) < Math.floor(since / 1000);
}
