import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { type SecureContextOptions, type TLSSocket, connect as tlsConnect } from "node:tls";
import { UserError } from "../core/errors.ts";
import { isDirect } from "./no-proxy.ts";
import { proxyVariable } from "./proxies.ts";

const MAX_REDIRECTS = 20;

export interface RequestOptions {
  /** GET by default. */
  method?: string;
  headers: Record<string, string>;
  /** Sent once: a request with a body follows no redirect. */
  body?: Readable | Buffer;
  signal: AbortSignal;
  /** What certificates of servers are checked against, beside Node's own rules. */
  tls?: Pick<SecureContextOptions, "ca" | "cert" | "key"> & { rejectUnauthorized?: boolean };
  /** A host that no name server and no proxy knows, with its address. */
  known?: { name: string; address: string };
}

/** Requests a URL through this process's proxies, and follows redirects. Credentials are sent to the first host alone. */
export async function get(url: URL, options: RequestOptions, redirects = 0): Promise<IncomingMessage> {
  const response = await send(url, options);
  const { location } = response.headers;
  if (!location || options.body || !/^30[12378]$/.test(String(response.statusCode))) return response;
  response.resume();
  if (redirects === MAX_REDIRECTS) throw new Error("too many redirects");
  const next = new URL(location, url);
  if (next.protocol !== "http:" && next.protocol !== "https:")
    throw new Error(`redirected to an address that is not http: ${next.protocol}`);
  const { authorization: _, ...others } = options.headers;
  return get(
    next,
    { ...options, headers: next.origin === url.origin ? options.headers : others },
    redirects + 1,
  );
}

async function send(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  const { method = "GET", headers, body, signal, known, tls } = options;
  const address = known?.name === url.hostname ? known.address : undefined;
  const proxy = address === undefined ? proxyFor(url) : undefined;
  const common = {
    method,
    headers: { accept: "*/*", "accept-encoding": "identity", ...headers },
    signal,
    ...tls,
    ...(address !== undefined && { lookup: lookupOf(address) }),
  };
  if (url.protocol === "https:") {
    const tunnel = proxy && (await openTunnel(proxy, url, options));
    return answerOf(
      httpsRequest(url, { ...common, ...(tunnel && { createConnection: () => tunnel }) }),
      body,
    );
  }
  if (!proxy) return answerOf(httpRequest(url, common), body);
  const through = {
    ...common,
    path: url.href,
    headers: { ...common.headers, host: url.host, ...account(proxy) },
  };
  return answerOf(requestTo(proxy, through), body);
}

/** A look-up of names that knows one address. */
function lookupOf(address: string): LookupFunction {
  const family = isIP(address);
  return (_name, { all }, answer) =>
    all ? answer(null, [{ address, family }]) : answer(null, address, family);
}

function requestTo(proxy: URL, options: object): ClientRequest {
  const bare = new URL(proxy.origin);
  return (proxy.protocol === "https:" ? httpsRequest : httpRequest)(bare, options);
}

async function openTunnel(proxy: URL, url: URL, { signal, tls }: RequestOptions): Promise<TLSSocket> {
  const target = `${url.hostname}:${url.port || 443}`;
  const headers: OutgoingHttpHeaders = { host: target, ...account(proxy) };
  const request = requestTo(proxy, { method: "CONNECT", path: target, headers, signal, agent: false });
  const socket = await new Promise<Socket>((resolve, reject) => {
    request.once("error", reject).once("connect", (response, opened) => {
      if (response.statusCode === 200) return resolve(opened);
      opened.destroy();
      reject(new Error(`the proxy answers ${response.statusCode} ${response.statusMessage}`));
    });
    request.end();
  });
  return tlsConnect({
    socket,
    host: url.hostname,
    ...tls,
    ...(!isIP(url.hostname) && { servername: url.hostname }),
  });
}

function answerOf(request: ClientRequest, body?: Readable | Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("error", reject).once("response", resolve);
    if (Buffer.isBuffer(body)) request.end(body);
    else if (body) body.once("error", (error) => request.destroy(error)).pipe(request);
    else request.end();
  });
}

function account({ username, password }: URL): OutgoingHttpHeaders {
  if (username === "") return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(plain).toString("base64")}` };
}

/** The proxy for this process's own request to a URL; undefined for none. */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv = process.env): URL | undefined {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const set = proxyVariable(env, name) ? name : "ALL_PROXY";
  const value = proxyVariable(env, set);
  if (!value || isDirect(url, proxyVariable(env, "NO_PROXY") ?? "")) return undefined;
  const text = value.includes("://") ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol !== "http:" && proxy?.protocol !== "https:")
    throw new UserError(`the proxy in ${set} is not an address that starts with http:// or https://`);
  return proxy;
}
