import { setTimeout as sleep } from "node:timers/promises";
import { parseReference } from "./reference.ts";

/** Pauses before each further attempt, in seconds: after a rate limit, and after any other temporary failure. */
const PAUSES = { limited: [5, 10, 20, 40], broken: [1, 2, 4, 8, 16] } as const;

/** A registry that asks for a longer pause than this many seconds has its error passed on instead. */
const LONGEST_PAUSE = 120;

/** Timeout for the question how long to wait, in ms. */
const PROBE_MS = 5_000;

export type Trouble = keyof typeof PAUSES;

/** What a registry's error message says about a second attempt; undefined if that would fail as well. */
export function troubleOf(message: string): Trouble | undefined {
  if (/toomanyrequests|too many requests|\bHTTP (status: )?429\b/i.test(message)) return "limited";
  const broken =
    /HTTP (status: |response body.*)?50[0234]\b|HTTP 50[0234]\b|\bEOF\b|connection reset|broken pipe|server closed|http2: |i\/o timeout|TLS handshake timeout|temporary failure in name resolution|socket hang up|ECONNRESET|EPIPE|ETIMEDOUT|EAI_AGAIN/i;
  return broken.test(message) ? "broken" : undefined;
}

/** A pause that an error message or a Retry-After header names, in seconds. */
export function parsePause(text: string, now = Date.now()): number | undefined {
  const [, number, unit = "s"] = /^\s*([\d.]+)\s*(ms|µs|us|ns|s|m)?\s*(?:,|$)/.exec(text) ?? [];
  const scale: Record<string, number> = { m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };
  if (number) return Math.ceil(Number(number) * (scale[unit] as number));
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

export interface Attempts {
  /** Name of the image, whose registry is asked. */
  name: string;
  /** Shows that and why it waits. */
  report: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Repeats an idempotent request to a registry after temporary failures, with increasing pauses. Docker does not pass on the
 * header Retry-After, so the registry itself is asked whether it wants a longer pause.
 * @throws the last failure.
 */
export async function withRetries<T>(
  { name, report, signal }: Attempts,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let count = 0; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const trouble = troubleOf(message);
      const least = trouble && PAUSES[trouble][count];
      if (!least || signal?.aborted) throw error;
      const asked = namedPause(message) ?? (await askPause(parseReference(name).registry)) ?? 0;
      if (asked > LONGEST_PAUSE) throw error;
      const pause = Math.max(least, asked);
      report(`${name}: ${message.trim()}; next attempt in ${pause} s`);
      await sleep(pause * 1000, undefined, { ...(signal && { signal }) });
    }
  }
}

/** Some registries repeat Retry-After in their message. */
function namedPause(message: string): number | undefined {
  const text = /retry[- ]after:?\s*([^"]+)/i.exec(message)?.[1];
  return text === undefined ? undefined : parsePause(text);
}

/** Retry-After of a registry that rejects every request at the moment, in seconds. */
async function askPause(registry: string): Promise<number | undefined> {
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
  for (const scheme of ["https", "http"]) {
    try {
      const { status, headers } = await fetch(`${scheme}://${host}/v2/`, {
        signal: AbortSignal.timeout(PROBE_MS),
      });
      const told = headers.get("retry-after");
      return told !== null && (status === 429 || status === 503) ? parsePause(told) : undefined;
    } catch {
      // Not over this protocol, or not from this machine: the usual pause has to do.
    }
  }
  return undefined;
}
