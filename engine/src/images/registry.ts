import type Docker from "dockerode";
import { ImageError } from "./errors.ts";
import { follow } from "./progress.ts";
import { parseReference } from "./reference.ts";

/** How long a registry may take until it says anything at all, in ms. Docker itself retries for a minute and more. */
const FIRST_ANSWER_MS = 15_000;

/** Registries that gave no answer in this process: the next image doesn't wait for them again. */
const silent = new Set<string>();

/** Texts with which Docker reports that it never got to talk to the registry. */
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

/** True for a failed pull that says nothing about the image: names, connections, TLS and time-outs. */
export function isNoAnswer(message: string): boolean {
  return NO_ANSWER.some((pattern) => pattern.test(message));
}

/** Pulls `ref`; false when its registry doesn't answer. Throws when the registry answers that it won't. */
export async function pull(
  docker: Docker,
  ref: string,
  report: (line: string) => void,
  authconfig?: Docker.AuthConfig,
): Promise<boolean> {
  const { registry } = parseReference(ref);
  if (silent.has(registry)) return false;
  report(`${ref}: pulling`);
  try {
    await download(docker, ref, authconfig);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!isNoAnswer(message)) throw refused(ref, registry, message);
    silent.add(registry);
    return false;
  }
}

async function download(docker: Docker, ref: string, authconfig?: Docker.AuthConfig): Promise<void> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), FIRST_ANSWER_MS);
  try {
    const options = { abortSignal: patience.signal, ...(authconfig && { authconfig }) };
    const progress = await docker.pull(ref, options).catch((error: Error) => {
      throw patience.signal.aborted ? new Error("timed out: no answer from the registry") : error;
    });
    clearTimeout(timer);
    await follow(docker, progress);
  } finally {
    clearTimeout(timer);
  }
}

function refused(ref: string, registry: string, message: string): ImageError {
  const said = message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim();
  return new ImageError(
    "NOT_FOUND",
    `${ref} can't be pulled from ${registry}: ${said}. Check the name and tag, or log in with: docker login ${registry}`,
  );
}
