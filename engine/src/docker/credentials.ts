import { type FoundLogin, type Login, registryOf, userLogin } from "../client/logins.ts";
import type { ContainerState } from "../core/values.ts";
import { parseReference } from "../images/reference.ts";
import type { SecretSource } from "./run.ts";

type Given = Pick<ContainerState, "registryAuth">;

/** The login that withRegistryAuth gave a container for an image's registry. */
export async function givenLogin(
  secrets: Pick<SecretSource, "plaintext">,
  { registryAuth }: Given,
  name: string,
): Promise<Login | undefined> {
  const { registry } = parseReference(name);
  const found = registryAuth.find(([address]) => registryOf(address) === registry);
  if (!found) return undefined;
  const [, username, secret] = found;
  return { username, password: (await secrets.plaintext(secret)).toString(), serveraddress: registry };
}

/** The login for an image's registry: from withRegistryAuth, else the user's own. */
export async function findLogin(
  secrets: Pick<SecretSource, "plaintext">,
  state: Given,
  name: string,
): Promise<FoundLogin> {
  const login = await givenLogin(secrets, state, name);
  return login ? { login } : userLogin(parseReference(name).registry);
}
