import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ContainerState } from "../core/values.ts";
import { parseReference } from "../images/reference.ts";
import type { SecretSource } from "./run.ts";

export interface Credentials {
  username: string;
  password: string;
  serveraddress: string;
}

/** A registry's credentials: from withRegistryAuth, else those that `docker login` stored for this user. */
export async function credentials(
  secrets: Pick<SecretSource, "plaintext">,
  { registryAuth }: Pick<ContainerState, "registryAuth">,
  name: string,
): Promise<Credentials | undefined> {
  const { registry } = parseReference(name);
  const found = registryAuth.find(([address]) => registryOf(address) === registry);
  if (!found) return userCredentials(registry);
  const [, username, secret] = found;
  return { username, password: await secrets.plaintext(secret), serveraddress: registry };
}

/** Whether withRegistryAuth has given credentials for an image's registry. */
export function isSignedIn({ registryAuth }: Pick<ContainerState, "registryAuth">, name: string): boolean {
  const { registry } = parseReference(name);
  return registryAuth.some(([address]) => registryOf(address) === registry);
}

/** The registry that an address of any form names: "docker.io", "https://index.docker.io/v1/", "ghcr.io/team". */
function registryOf(address: string): string {
  const [host = ""] = address.replace(/^https?:\/\//, "").split("/");
  return parseReference(`${host}/name`).registry;
}

function userCredentials(registry: string): Credentials | undefined {
  const path = join(process.env.DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json");
  try {
    const { auths = {} } = JSON.parse(readFileSync(path, "utf8")) as {
      auths?: Record<string, { auth?: string }>;
    };
    const [, found] = Object.entries(auths).find(([address]) => registryOf(address) === registry) ?? [];
    const [username = "", ...password] = Buffer.from(found?.auth ?? "", "base64")
      .toString()
      .split(":");
    return username ? { username, password: password.join(":"), serveraddress: registry } : undefined;
  } catch {
    // No usable configuration: the registry rejects the request if it needs credentials.
    return undefined;
  }
}
