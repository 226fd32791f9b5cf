import type { Container } from "@dagger.io/dagger";

/** Where a command notes when it ran: seconds since 1970. */
const note = "/tmp/.stackline-ran";

/** The same command, which also notes when it runs. */
export function noted(command: readonly string[]): string[] {
  return ["sh", "-c", `date +%s >${note}; exec "$@"`, "sh", ...command];
}

/**
 * Whether the last command, a {@link noted} one, did not run again: its result was kept from before.
 * @param since milliseconds since 1970. Engine and module share a clock; what ran in this very second counts as run.
 */
export async function isKept(container: Container, since: number): Promise<boolean> {
  return Number(await container.file(note).contents()) < Math.floor(since / 1000);
}
