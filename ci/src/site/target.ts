import type { Directory, Secret } from "@dagger.io/dagger";
import { readEnvironment } from "./environment.js";
import { checkPrivateKey } from "./private-key.js";
import { type Connection, type Payload, runRemote } from "./ssh-connection.js";

/** A site as the caller names it: an environment, and what is needed to connect to its machine. */
export interface Target {
  env: string;
  sshKey: Secret;
  /** environments/: NAME.json for each environment. */
  environments: Directory;
  /** scripts/host. */
  scripts: Directory;
}

/** @throws Error, one line, when the environment is unknown, its file is invalid, or the key cannot be used. */
export async function connectTo({ env, sshKey, environments, scripts }: Target): Promise<Connection> {
  const environment = await readEnvironment(environments, env);
  checkPrivateKey(await sshKey.plaintext());
  return { environment, key: sshKey, scripts };
}

/** Runs `stackline ARGUMENT...` on the target's machine and returns its output. */
export async function runOnSite(
  target: Target,
  args: readonly string[],
  payload: Payload = {},
): Promise<string> {
  return runRemote(await connectTo(target), args, payload);
}
