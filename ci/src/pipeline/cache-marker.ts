import { type Container, ExecError } from "@dagger.io/dagger";

/** File in which a command records when it ran, in seconds since 1970. */
const marker = "/tmp/.stackline-ran";

const recorder = ["sh", "-c", `date +%s >${marker}; exec "$@"`, "sh"];

/** The same command, which also records when it runs. */
export function withMarker(command: readonly string[]): string[] {
  return [...recorder, ...command];
}

/** Throws an error, which quotes the command without what `withMarker` adds: `container.stdout().catch(rethrow)`. */
export function rethrow(error: unknown): never {
  if (error instanceof ExecError && error.cmd.slice(0, recorder.length).join(" ") === recorder.join(" ")) {
    const cmd = error.cmd.slice(recorder.length);
    error.message = error.message.replace(error.cmd.join(" "), cmd.join(" "));
    error.cmd = cmd;
    if (error.extensions) error.extensions = { ...error.extensions, cmd };
  }
  throw error;
}

/**
 * Whether the result of the last command, made by {@link withMarker}, came from the cache.
 * @param since milliseconds since 1970. Engine and module share a clock; a command that ran in the same second counts as run.
 */
export async function isCached(container: Container, since: number): Promise<boolean> {
  return Number(await container.file(marker).contents()) < Math.floor(since / 1000);
}
