import { type DockerConfigFile, readConfig, type StoredLogin } from "./config.ts";
import { askHelper } from "./credential-helper.ts";
import type { FoundLogin, Login } from "./login.ts";

export type { FoundLogin, Login } from "./login.ts";

/** The name under which `docker login` stores Docker Hub. */
const HUB = "https://index.docker.io/v1/";

/** The registry that an address of any form names: "https://index.docker.io/v1/" is docker.io, "ghcr.io/team" is ghcr.io. */
export function registryOf(address: string): string {
  const [host = ""] = address.replace(/^https?:\/\//, "").split("/");
  return host.replace(/^(index|registry-1)\.docker\.io$/, "docker.io");
}

/**
 * The user's login for a registry, from the places where the docker command looks, in its order: DOCKER_AUTH_CONFIG, the
 * registry's credential helper, the credential store, the configuration file.
 */
export async function userLogin(registry: string, env: NodeJS.ProcessEnv = process.env): Promise<FoundLogin> {
  const { config, problem } = readConfig(env);
  const given = storedLogin(registry, variableLogins(env));
  if (given) return { login: given };
  const helper = helperFor(registry, config);
  if (!helper) {
    const login = storedLogin(registry, config.auths);
    return { ...(login && { login }), ...(problem && { problem }) };
  }
  return askHelper(helper, registry === "docker.io" ? HUB : registry, env);
}

function variableLogins({ DOCKER_AUTH_CONFIG }: NodeJS.ProcessEnv): DockerConfigFile["auths"] {
  try {
    return DOCKER_AUTH_CONFIG ? (JSON.parse(DOCKER_AUTH_CONFIG) as DockerConfigFile).auths : undefined;
  } catch {
    return undefined;
  }
}

function helperFor(registry: string, { credHelpers, credsStore }: DockerConfigFile): string | undefined {
  return find(credHelpers, registry) ?? credsStore;
}

function storedLogin(registry: string, logins: DockerConfigFile["auths"]): Login | undefined {
  const { auth, identitytoken, ...plain }: StoredLogin = find(logins, registry) ?? {};
  if (identitytoken) return { identitytoken, serveraddress: registry };
  const [username, ...password] = Buffer.from(auth ?? "", "base64")
    .toString()
    .split(":");
  if (username)
    return { username, password: password.join(":").replace(/\0+$/, ""), serveraddress: registry };
  return plain.username
    ? { username: plain.username, password: plain.password ?? "", serveraddress: registry }
    : undefined;
}

function find<T>(entries: Record<string, T> | undefined, registry: string): T | undefined {
  return Object.entries(entries ?? {}).find(([address]) => registryOf(address) === registry)?.[1];
}
