import { dag, type Secret } from "@dagger.io/dagger";
import { registryOf, repositoryGrammar } from "../pipeline/references.js";
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
  checkAccount({ username, password });
  if (!password) return undefined;
  const text = cutLineEnd(await password.plaintext());
  if (text === "") throw new Error("--password is empty: is the variable or file that it names set?");
  const lines = dag.setSecret("registry", `${registryOf(repository)}\n${username}\n${text}\n`);
  return { lines, password };
}

/** @throws Error, one line, for half an account and for a name that cannot be one. */
export function checkAccount({ username, password }: Account): void {
  if ((username === "") !== (password === undefined)) {
    throw new Error("--username and --password belong together: give both, or neither for a public image");
  }
  if (/[\s:]/.test(username))
    throw new Error(
      `--username ${JSON.stringify(username)} is not an account's name: it has no space and no colon`,
    );
}

/** A tag can move between a deploy and its rollback; a digest always identifies the same image. */
export function requireDigest(image: string): string {
  const [, name = ""] = /^([^@]+)@sha256:[0-9a-f]{64}$/.exec(image) ?? [];
  if (!repositoryGrammar.test(name.replace(/:\w[\w.-]{0,127}$/, ""))) {
    throw new Error(
      `--image ${JSON.stringify(image)} is not a reference by digest: give NAME@sha256:..., as publish prints it`,
    );
  }
  return image;
}
