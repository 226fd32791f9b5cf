import { UserError } from "../core/errors.ts";
import type { ContainerState } from "../core/values.ts";
import type { SecretSource } from "./run.ts";

/** Path of the file with a container's secret variables: below /dev, which is never part of an image. */
export const ENV_FILE = "/dev/.stackline-env";

/**
 * A command that first reads secret variables from a file: variables in a container's configuration are copied to every
 * image committed from it.
 */
export function withSecretEnv({ secretEnv }: ContainerState, command: string[]): string[] {
  if (secretEnv.length === 0) return command;
  return ["/bin/sh", "-c", `. ${ENV_FILE}; exec "$@"`, "sh", ...command];
}

/** The file's content, for a POSIX shell. */
export async function secretEnvScript(
  secrets: Pick<SecretSource, "plaintext">,
  state: ContainerState,
): Promise<Buffer> {
  const lines = await Promise.all(
    state.secretEnv.map(async ([name, secret]) => {
      if (!/^[A-Za-z_]\w*$/.test(name))
        throw new UserError(
          `withSecretVariable: ${JSON.stringify(name)} is not a valid name of a shell variable`,
        );
      // Byte by byte: a variable need not be text either.
      const value = (await secrets.plaintext(secret)).toString("latin1");
      return `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`;
    }),
  );
  return Buffer.from(lines.join(""), "latin1");
}
