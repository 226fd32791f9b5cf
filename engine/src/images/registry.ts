import type Docker from "dockerode";
import { DockerConnectionError } from "../client/connection-error.ts";
import { type FoundLogin, type Login, userLogin } from "../client/logins.ts";
import { ImageError } from "./errors.ts";
import { withPatience } from "./patience.ts";
import { follow } from "./progress.ts";
import { parseReference } from "./reference.ts";
import { withRetries } from "./retry.ts";

/** Timeout for a registry's first response, in ms. Docker itself retries for more than a minute. */
const FIRST_ANSWER_MS = 15_000;

/** Timeout for the question which digest a tag has, in ms. */
const DIGEST_MS = 60_000;

/** Registries that did not answer this process: the next image doesn't wait for them again. */
const silent = new Set<string>();

/** Problems with the user's logins that were reported: the same one concerns every image of a registry. */
const told = new Set<string>();

/** Docker's error messages for a registry that it could not reach. */
const NO_ANSWER = [
  /no such host/i,
  /server misbehaving/i,
  /temporary failure in name resolution/i,
  /\bdial (tcp|udp)\b/i,
  /connection (refused|reset|timed out)/i,
  /network is unreachable|no route to host/i,
  /timeout|timed out|deadline exceeded|request canceled/i,
  /x509:|tls:|certificate|handshake/i,
  /proxyconnect/i,
  /\bEOF\b/,
  /(502|503|504) (bad gateway|service unavailable|gateway time)/i,
];

/** True for a failed pull that says nothing about the image: DNS, connection, TLS and timeout errors. */
export function isNoAnswer(message: string): boolean {
  return NO_ANSWER.some((pattern) => pattern.test(message));
}

/** Pulls `ref`; false if its registry doesn't answer. Throws if the registry refuses. */
export async function pull(
  docker: Docker,
  ref: string,
  report: (line: string) => void,
  given?: Login,
): Promise<boolean> {
  const { registry } = parseReference(ref);
  if (silent.has(registry)) return false;
  report(`${ref}: pulling`);
  const { login, problem }: FoundLogin = given ? { login: given } : await userLogin(registry);
  if (problem && !told.has(problem)) report(problem);
  told.add(problem ?? "");
  try {
    await download(docker, ref, login);
    return true;
  } catch (error) {
    if (error instanceof DockerConnectionError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (!isNoAnswer(message)) throw refused(ref, registry, message, problem);
    silent.add(registry);
    return false;
  }
}

/**
 * The digest that a tag has in its registry now; undefined if the registry doesn't answer. Throws if it refuses, or does not have
 * the image.
 */
export async function askDigest(
  docker: Docker,
  ref: string,
  report: (line: string) => void,
  authconfig?: Login,
): Promise<string | undefined> {
  const { registry } = parseReference(ref);
  if (silent.has(registry)) return undefined;
  const ask = (): Promise<string> =>
    inTime(docker.getImage(ref).distribution({ authconfig } as never) as never);
  try {
    return await withRetries({ name: ref, report }, () => withPatience(`${ref}: ${registry}`, report, ask));
  } catch (error) {
    if (error instanceof DockerConnectionError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (!isNoAnswer(message)) throw refused(ref, registry, message);
    silent.add(registry);
    return undefined;
  }
}

async function inTime(question: Promise<{ Descriptor: { digest: string } }>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("timed out: no answer from the registry")), DIGEST_MS);
  });
  try {
    return (await Promise.race([question, late])).Descriptor.digest;
  } finally {
    clearTimeout(timer);
  }
}

async function download(docker: Docker, ref: string, authconfig?: Login): Promise<void> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), FIRST_ANSWER_MS);
  try {
    const options = {
      abortSignal: patience.signal,
      ...(authconfig && { authconfig: authconfig as Docker.AuthConfig }),
    };
    const progress = await docker.pull(ref, options).catch((error: Error) => {
      throw patience.signal.aborted ? new Error("timed out: no answer from the registry") : error;
    });
    clearTimeout(timer);
    await follow(docker, progress);
  } finally {
    clearTimeout(timer);
  }
}

function refused(ref: string, registry: string, message: string, problem?: string): ImageError {
  const said = message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim();
  return new ImageError(
    "NOT_FOUND",
    `${ref} can't be pulled from ${registry}: ${said}. Check the name and tag, or log in with: docker login ${registry}` +
      (problem ? ` (${problem})` : ""),
  );
}
