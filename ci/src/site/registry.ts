import { dag, type Secret } from "@dagger.io/dagger";
import { registryOf } from "../pipeline/references.js";
import { cutLineEnd } from "../pipeline/registry.js";

/** Account at a registry. */
export interface Account {
  username: string;
  password?: Secret;
}

/** Registry login for the machine. */
export interface RegistryLogin {
  /** Input for `docker login`: address, user and password, one per line. */
  lines: Secret;
  password: Secret;
}

/**
 * The login that a call sends to the machine.
 * @returns undefined without an account: a public image, or one that the machine already has, needs none.
 */
export async function registryLogin(
  { username, password }: Account,
  repository: string,
): Promise<RegistryLogin | undefined> {
  if ((username === "") !== (password === undefined)) {
    throw new Error("--username and --password belong together: give both, or neither for a public image");
  }
  if (!password) return undefined;
  const text = cutLineEnd(await password.plaintext());
  const lines = dag.setSecret("registry", `${registryOf(repository)}\n${username}\n${text}\n`);
  return { lines, password };
}

/** A tag can move between a deploy and its rollback; a digest always identifies the same image. */
export function requireDigest(image: string): string {
  if (!/^\S+@sha256:[0-9a-f]{64}$/.test(image)) {
    throw new Error(
      `--image ${JSON.stringify(image)} is not a reference by digest: give NAME@sha256:..., as publish prints it`,
    );
  }
  return image;
}
