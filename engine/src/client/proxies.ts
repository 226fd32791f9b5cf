import { readConfig } from "./config.ts";
import { resolveEndpoint } from "./endpoint.ts";
import { isLoopback } from "./no-proxy.ts";

/** The variables, and the keys of `proxies` in Docker's config.json. Programs read them in upper or lower case. */
const KEYS = {
  HTTP_PROXY: "httpProxy",
  HTTPS_PROXY: "httpsProxy",
  NO_PROXY: "noProxy",
  FTP_PROXY: "ftpProxy",
  ALL_PROXY: "allProxy",
} as const;

type ProxyName = keyof typeof KEYS;
type Pairs = readonly (readonly [name: string, value: string])[];

const NAMES = Object.keys(KEYS) as ProxyName[];

/** Both spellings of each variable. */
export const PROXY_VARIABLES = NAMES.flatMap((name) => [name, name.toLowerCase()]);

/**
 * The proxies of builds and containers: those of Docker's configuration, else those of this process. A proxy on this
 * machine's loopback address is left out: in a container that address is another one's.
 */
function proxies(env: NodeJS.ProcessEnv): Partial<Record<ProxyName, string>> {
  const { proxies: stored = {} } = readConfig(env).config;
  const own =
    Object.keys(stored).length > 0 ? (stored[resolveEndpoint(env).address] ?? stored.default) : undefined;
  const configured = NAMES.flatMap((name) => (own?.[KEYS[name]] ? [[name, own[KEYS[name]]]] : []));
  if (configured.length > 0) return Object.fromEntries(configured);
  const set = NAMES.flatMap((name) => {
    const value = proxyVariable(env, name);
    return value && !isLoopbackProxy(name, value) ? [[name, value]] : [];
  });
  return Object.fromEntries(set);
}

const isLoopbackProxy = (name: ProxyName, value: string): boolean => name !== "NO_PROXY" && isLoopback(value);

/** Names of this process's proxy variables that containers do not get, because only this machine can reach them. */
export function loopbackProxies(env: NodeJS.ProcessEnv): string[] {
  return NAMES.filter((name) => isLoopbackProxy(name, proxyVariable(env, name) ?? ""));
}

export function proxyVariable(env: NodeJS.ProcessEnv, name: ProxyName): string | undefined {
  return env[name] || env[name.toLowerCase()];
}

/** Build arguments for a Dockerfile's steps. Docker puts them into no image and no cache key. */
export function buildProxies(
  given: Readonly<Record<string, string>> = {},
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const found = Object.entries(proxies(env)).flatMap(([name, value]) => [
    [name, value],
    [name.toLowerCase(), value],
  ]);
  return { ...Object.fromEntries(found), ...given };
}

/**
 * The proxy variables that a container gets in addition to its own, as in the official engine: one that it sets itself is
 * only repeated in the other case.
 * @param local names and addresses of the services that it is bound to: no proxy could reach them.
 */
export function containerProxies(
  own: Pairs,
  local: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): [name: string, value: string][] {
  const inherited = proxies(env);
  const hasProxy = NAMES.some((name) => name !== "NO_PROXY" && inherited[name]);
  const direct = [inherited.NO_PROXY, "localhost,127.0.0.1", ...local].filter(Boolean).join(",");
  const values = { ...inherited, ...(hasProxy && { NO_PROXY: direct }) };
  const given = new Map(own);
  return NAMES.flatMap((name): [string, string][] => {
    const both = [name, name.toLowerCase()];
    const value =
      both.map((spelling) => given.get(spelling)).find((set) => set !== undefined) ?? values[name];
    const missing = both.filter((spelling) => !given.has(spelling));
    return value === undefined ? [] : missing.map((spelling) => [spelling, value]);
  });
}

/** What must not be shown of the proxies: their passwords, as written, decoded, and as a request header has them. */
export function proxySecrets(env: NodeJS.ProcessEnv = process.env): string[] {
  const stored = Object.values(readConfig(env).config.proxies ?? {}).flatMap((entry) => Object.values(entry));
  const values = [...stored, ...NAMES.map((name) => proxyVariable(env, name) ?? "")];
  const secrets = values.flatMap((value) => {
    const [, user, password] = /^(?:[a-z]+:\/\/)?([^/@:\s]*):([^/\s]+)@/i.exec(value) ?? [];
    if (!user || !password) return [];
    const account = Buffer.from(`${decode(user)}:${decode(password)}`).toString("base64");
    return [password, decode(password), account];
  });
  return [...new Set(secrets)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
