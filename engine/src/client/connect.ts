import { Agent } from "node:https";
import type { Readable } from "node:stream";
import Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import { connectionError, wantsTls } from "./connection-error.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";

/** The client of the Docker that the docker command would ask. An address that cannot be used fails each request. */
export function connectDocker(env: NodeJS.ProcessEnv = process.env): Docker {
  try {
    const endpoint = resolveEndpoint(env);
    const docker = newClient(options(endpoint));
    attributeFailures(docker, endpoint);
    return docker;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const docker = newClient({ socketPath: "/dev/null" });
    docker.modem.dial = ((_, done) => done?.(error, null)) satisfies Dial;
    return docker;
  }
}

/** The client itself follows DOCKER_HOST by rules that differ from those of the docker command. */
function newClient(options: Docker.DockerOptions): Docker {
  const { DOCKER_HOST } = process.env;
  delete process.env.DOCKER_HOST;
  try {
    return new Docker(options);
  } finally {
    if (DOCKER_HOST !== undefined) process.env.DOCKER_HOST = DOCKER_HOST;
  }
}

/** As Node's own agent does, which this one replaces. */
const KEEP_ALIVE = { keepAlive: true, timeout: 5_000 };

function options({ socketPath, host, port, tls }: Endpoint): Docker.DockerOptions {
  if (socketPath) return { socketPath };
  const { ca, cert, key, verify } = tls ?? {};
  return {
    host: host as string,
    port: port as string,
    protocol: tls ? "https" : "http",
    ...(tls && { agent: new Agent({ ca, cert, key, rejectUnauthorized: verify ?? true, ...KEEP_ALIVE }) }),
  } as Docker.DockerOptions;
}

type Dial = Docker["modem"]["dial"];

/**
 * Explains failures of the connection where they arise. An error with a status is Docker's answer; one of the data to
 * send belongs to its source; the rest is the connection's.
 */
function attributeFailures(docker: Docker, endpoint: Endpoint): void {
  const { modem } = docker;
  const dial = modem.dial.bind(modem);
  modem.dial = ((request, done) => {
    const { file } = request as { file?: unknown };
    let sourceError: unknown;
    if (isStream(file))
      file.once("error", (error) => {
        sourceError = error;
      });
    dial(request, (error, answer) => {
      if (isStream(answer)) explainBreaks(answer, endpoint);
      const own = error && error !== sourceError ? explain(endpoint, error as Error) : error;
      done?.(own as Error, answer);
    });
  }) satisfies Dial;
}

function explain(endpoint: Endpoint, error: Error & { statusCode?: number }): Error {
  if (error.name === "AbortError") return error;
  return error.statusCode === undefined || wantsTls(error) ? connectionError(endpoint, error) : error;
}

/** A stream that breaks off reports the connection, too. */
function explainBreaks(stream: Readable, endpoint: Endpoint): void {
  const destroy = stream._destroy.bind(stream);
  stream._destroy = (error, done) => destroy(error && explain(endpoint, error), done);
}

function isStream(value: unknown): value is Readable {
  return typeof (value as Readable | undefined)?.once === "function";
}
