import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";

/** One registry's login, as `docker login` stores it. */
export interface StoredLogin {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
}

/** Proxies for one Docker host. */
export interface StoredProxies {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
  ftpProxy?: string;
  allProxy?: string;
}

/** The part of Docker's config.json that this engine uses. */
export interface DockerConfigFile {
  auths?: Record<string, StoredLogin>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
  currentContext?: string;
  proxies?: Record<string, StoredProxies>;
}

/** The folder of Docker's config.json, contexts and default certificates. */
export function configFolder(env: NodeJS.ProcessEnv): string {
  return env.DOCKER_CONFIG || join(env.HOME || accountHome(), ".docker");
}

/** A user ID without an account has no home directory. */
function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return "/";
  }
}

export function configPath(env: NodeJS.ProcessEnv): string {
  return join(configFolder(env), "config.json");
}

/** Docker's configuration. Like `docker`, goes on without a file that cannot be used; `problem` says why. */
export function readConfig(env: NodeJS.ProcessEnv): { config: DockerConfigFile; problem?: string } {
  const path = configPath(env);
  try {
    const config = JSON.parse(readFileSync(path, "utf8"));
    if (typeof config === "object" && config !== null) return { config };
    return { config: {}, problem: `${path} is ignored: it is not a JSON object` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { config: {} };
    // The parser's message would quote the file, which may hold passwords.
    return {
      config: {},
      problem: `${path} is ignored: ${code ? `it cannot be read (${code})` : "not valid JSON"}`,
    };
  }
}
