import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../core/errors.ts";
import { configFolder, configPath, readConfig } from "./config.ts";
import { type TlsFiles, tlsFiles, tlsOfVariables, tlsVariable } from "./tls.ts";

const DEFAULT_SOCKET = "unix:///var/run/docker.sock";
const DEFAULT_TLS_HOST = "tcp://localhost:2376";
const DEFAULT_PORT = "2375";

/** The Docker that the docker command would ask. */
export interface Endpoint {
  /** "unix:///var/run/docker.sock", "tcp://build.example:2376". */
  address: string;
  /** What chose it: "DOCKER_HOST", `context "build" of DOCKER_CONTEXT`, "the default". */
  source: string;
  socketPath?: string;
  host?: string;
  port?: string;
  tls?: TlsFiles;
}

/**
 * Resolves Docker's address by the rules of the docker command: DOCKER_HOST with the DOCKER_TLS variables, else the context
 * in DOCKER_CONTEXT, else the current context of config.json, else the default socket.
 * @throws UserError that names the variable or context, and what it lacks.
 */
export function resolveEndpoint(env: NodeJS.ProcessEnv): Endpoint {
  const context = env.DOCKER_HOST ? undefined : currentContext(env);
  if (context) return contextEndpoint(env, context.name, `context "${context.name}" of ${context.from}`);
  const withTls = Boolean(env.DOCKER_TLS_VERIFY || env.DOCKER_TLS);
  const given = env.DOCKER_HOST?.trim();
  const address = given || (withTls ? DEFAULT_TLS_HOST : DEFAULT_SOCKET);
  const source = given ? "DOCKER_HOST" : withTls ? tlsVariable(env) : "the default";
  const place = parseAddress(address, source);
  // A socket needs no TLS, whatever the variables say.
  return place.socketPath || !withTls ? place : { ...place, tls: tlsOfVariables(env) };
}

/** How to ask another Docker than the one that `source` chose. */
export function remedy(source: string): string {
  if (source === "the default") return "set DOCKER_HOST to one that runs";
  if (/^DOCKER_\w+$/.test(source)) return `correct ${source}`;
  return source.endsWith("DOCKER_CONTEXT")
    ? "correct DOCKER_CONTEXT"
    : "choose another with `docker context use`";
}

function currentContext(env: NodeJS.ProcessEnv): { name: string; from: string } | undefined {
  const name = env.DOCKER_CONTEXT || readConfig(env).config.currentContext;
  if (!name || name === "default") return undefined;
  return { name, from: env.DOCKER_CONTEXT ? "DOCKER_CONTEXT" : configPath(env) };
}

interface ContextMeta {
  Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } };
}

function contextEndpoint(env: NodeJS.ProcessEnv, name: string, source: string): Endpoint {
  const id = createHash("sha256").update(name).digest("hex");
  const contexts = join(configFolder(env), "contexts");
  const { Host, SkipTLSVerify } = readContext(join(contexts, "meta", id, "meta.json"), source);
  const place = parseAddress(Host || DEFAULT_SOCKET, source);
  const folder = join(contexts, "tls", id, "docker");
  if (place.socketPath || (!SkipTLSVerify && !existsSync(folder))) return place;
  return { ...place, tls: { verify: !SkipTLSVerify, ...tlsFiles(folder) } };
}

function readContext(path: string, source: string): { Host?: string; SkipTLSVerify?: boolean } {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as ContextMeta).Endpoints?.docker ?? {};
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem = code === "ENOENT" ? "does not exist" : `cannot be read (${path}: ${code ?? message})`;
    throw new UserError(
      `Docker's ${source} ${problem}: ${remedy(source)} (\`docker context ls\` lists them)`,
    );
  }
}

function parseAddress(text: string, source: string): Endpoint {
  const [, scheme = "tcp", rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/i.exec(text) ?? [];
  if (scheme === "unix") {
    const socketPath = rest || DEFAULT_SOCKET.slice("unix://".length);
    return { address: `unix://${socketPath}`, source, socketPath };
  }
  if (scheme === "npipe") return { address: text, source, socketPath: rest || "//./pipe/docker_engine" };
  if (scheme === "ssh") throw noSsh(rest, source);
  // Not http: its URLs drop port 80.
  const full = `tcp://${rest.startsWith(":") ? "localhost" : ""}${rest}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (!url?.hostname || !["tcp", "http", "https"].includes(scheme))
    throw new UserError(
      `Docker's address in ${source} is not valid: give unix:///path/docker.sock or tcp://host:port`,
    );
  const port = url.port || DEFAULT_PORT;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { address: `tcp://${url.hostname}:${port}`, source, host, port };
}

/** Files are mounted from, and connections made to, the machine that runs Docker: it must be this one. */
function noSsh(rest: string, source: string): UserError {
  const host = rest.replace(/^[^@/]*@/, "").replace(/\/.*/, "");
  return new UserError(
    `Docker at ssh://${host} (${source}) cannot be used: the embedded engine needs a Docker of this machine: ` +
      `${remedy(source)}, or use the official engine: STACKLINE_ENGINE=dagger`,
  );
}
