import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import { configFolder } from "./config.ts";

/** Certificates of a connection with TLS, and the folder that they come from. */
export interface TlsFiles {
  folder: string;
  verify: boolean;
  ca?: string;
  cert?: string;
  key?: string;
}

/** The variable that asks for TLS. */
export function tlsVariable(env: NodeJS.ProcessEnv): string {
  return env.DOCKER_TLS_VERIFY ? "DOCKER_TLS_VERIFY" : "DOCKER_TLS";
}

/**
 * The certificates that the DOCKER_TLS variables name.
 * @throws UserError that says which file is missing.
 */
export function tlsOfVariables(env: NodeJS.ProcessEnv): TlsFiles {
  const folder = env.DOCKER_CERT_PATH || configFolder(env);
  const files = tlsFiles(folder);
  if (!files.ca) {
    const where = env.DOCKER_CERT_PATH ? "DOCKER_CERT_PATH" : "DOCKER_CERT_PATH is not set";
    throw new UserError(
      `${tlsVariable(env)} is set, but ${join(folder, "ca.pem")} does not exist (${where}): ` +
        "set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem, or unset both",
    );
  }
  return { verify: Boolean(env.DOCKER_TLS_VERIFY), ...files };
}

/** The certificates in a folder. */
export function tlsFiles(folder: string): Omit<TlsFiles, "verify"> {
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => readPem(join(folder, name)));
  return { folder, ...(ca && { ca }), ...(cert && key && { cert, key }) };
}

function readPem(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new UserError(`Docker's certificate ${path} cannot be read (${code}): check its permissions`);
  }
}
