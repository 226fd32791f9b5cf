import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { UserError } from "../core/errors.ts";
import type { Login } from "./login.ts";
import { get, type RequestOptions } from "./request.ts";
import { trustOf } from "./trust.ts";

export interface RegistryOptions {
  /** "docker.io", "ghcr.io", "127.0.0.1:5000". */
  host: string;
  /** "library/python". */
  repository: string;
  login: Login | undefined;
  /** Whether plain HTTP and any certificate will do. */
  insecure: boolean;
  signal: AbortSignal;
  note: (line: string) => void;
}

/** Something to send, opened anew for each attempt. */
export interface Upload {
  /** "sha256:...". */
  digest: string;
  /** Bytes. */
  size: number;
  open: () => Readable | Buffer;
}

interface Request extends Pick<RequestOptions, "method"> {
  headers?: Record<string, string>;
  body?: () => Readable | Buffer;
}

/** One repository of a registry, over the distribution API, with the right to push. */
export class Registry {
  private authorization: string | undefined;
  private base: Promise<URL> | undefined;
  /** Certificates by host: they are read once. */
  private readonly trust = new Map<string, ReturnType<typeof trustOf>>();

  constructor(private readonly options: RegistryOptions) {}

  /**
   * Logs in if there is a login.
   * @throws UserError when the registry rejects it. Any other failure may have passed by the next request.
   */
  async logIn(): Promise<void> {
    const { host, login } = this.options;
    if (!login) return;
    const response = await this.request(await this.url(""), {});
    response.resume();
    if (response.statusCode === 401) throw rejected(host, login);
  }

  /** Whether it has "blobs/sha256:...", as far as it says so: why it refuses only an upload tells. */
  async has(path: string): Promise<boolean> {
    const response = await this.request(await this.url(path), { method: "HEAD" });
    response.resume();
    return response.statusCode === 200;
  }

  async uploadBlob({ digest, size, open }: Upload): Promise<void> {
    if (await this.has(`blobs/${digest}`)) return;
    const start = await this.url("blobs/uploads/");
    const started = await this.request(start, { method: "POST", headers: { "content-length": "0" } });
    await expect(started, 202);
    const target = new URL(started.headers.location ?? "", start);
    target.searchParams.append("digest", digest);
    const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
    await expect(await this.request(target, { method: "PUT", headers, body: open }), 201);
  }

  async putManifest(tag: string, mediaType: string, content: Buffer): Promise<void> {
    const headers = { "content-type": mediaType, "content-length": String(content.length) };
    const url = await this.url(`manifests/${tag}`);
    await expect(await this.request(url, { method: "PUT", headers, body: () => content }), 201);
  }

  /** Sends a request, once more when the registry asks for a login or no longer takes its token. */
  private async request(url: URL, request: Request): Promise<IncomingMessage> {
    const response = await this.send(url, request);
    const { host } = await this.url("");
    // What is stored elsewhere has a signed address.
    if (response.statusCode !== 401 || url.host !== host) return response;
    if (this.authorization) this.options.note(`${host} rejects its token: next attempt with a new token`);
    const challenge = response.headers["www-authenticate"];
    const authorization = challenge ? await this.authorize(challenge) : this.authorization;
    if (!authorization) return response;
    this.authorization = authorization;
    response.resume();
    return this.send(url, request);
  }

  private async send(url: URL, { method, headers, body }: Request): Promise<IncomingMessage> {
    const { host } = await this.url("");
    const { signal } = this.options;
    return get(url, {
      ...(method && { method }),
      headers: {
        ...headers,
        ...(this.authorization && url.host === host && { authorization: this.authorization }),
      },
      ...(body && { body: body() }),
      signal,
      tls: this.tls(host),
    });
  }

  /** The address of the registry, or of something in the repository. */
  private async url(path: string): Promise<URL> {
    this.base ??= this.findBase().catch((error) => {
      this.base = undefined;
      throw error;
    });
    return new URL(path && `${this.options.repository}/${path}`, await this.base);
  }

  private async findBase(): Promise<URL> {
    const { host, insecure, signal } = this.options;
    const name = host === "docker.io" ? "registry-1.docker.io" : host;
    const secure = new URL(`https://${name}/v2/`);
    if (!insecure) return secure;
    try {
      (await get(secure, { headers: {}, signal, tls: this.tls(secure.host) })).resume();
      return secure;
    } catch {
      signal.throwIfAborted();
      return new URL(`http://${name}/v2/`);
    }
  }

  private tls(host: string): NonNullable<RequestOptions["tls"]> {
    const trust = this.trust.get(host) ?? trustOf(host);
    this.trust.set(host, trust);
    return { ...trust, ...(this.options.insecure && { rejectUnauthorized: false }) };
  }

  /** The answer to a registry's challenge; undefined if it asks for a login that there is none of. */
  private async authorize(challenge: string): Promise<string | undefined> {
    const { login } = this.options;
    if (/^basic\b/i.test(challenge)) return login?.username ? basic(login) : undefined;
    const values = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
    );
    const realm = values.get("realm");
    return realm === undefined ? undefined : `Bearer ${await this.fetchToken(realm, values.get("service"))}`;
  }

  private async fetchToken(realm: string, service = ""): Promise<string> {
    const { host, repository, login, signal } = this.options;
    const question = new URLSearchParams({ service, scope: `repository:${repository}:pull,push` });
    const url = new URL(realm);
    const tls = this.tls(url.host);
    const response = login?.identitytoken
      ? await get(url, refresh(question, login.identitytoken, { signal, tls, headers: {} }))
      : await get(new URL(`${realm}${url.search ? "&" : "?"}${question}`), {
          headers: login ? { authorization: basic(login) } : {},
          signal,
          tls,
        });
    if (login && response.statusCode === 401) throw rejected(host, login);
    const { token, access_token } = JSON.parse(await expect(response, 200));
    return token ?? access_token;
  }
}

function basic({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function refresh(question: URLSearchParams, token: string, options: RequestOptions): RequestOptions {
  const form = new URLSearchParams({ grant_type: "refresh_token", client_id: "stackline" });
  for (const [name, value] of question) form.set(name, value);
  form.set("refresh_token", token);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return { ...options, method: "POST", headers, body: Buffer.from(form.toString()) };
}

function rejected(host: string, { username }: Login): UserError {
  return new UserError(
    `unauthorized: ${host} rejects ${username ? `user ${username}` : "the login"}: check the password or token`,
  );
}

/** The body of a response, which must have a status. */
async function expect(response: IncomingMessage, status: number): Promise<string> {
  const body = await text(response);
  if (response.statusCode === status) return body;
  const { statusCode, statusMessage, headers } = response;
  const pause = headers["retry-after"];
  const reason = reasonOf(body);
  throw new Error(
    `HTTP ${statusCode} ${statusMessage}${reason && `: ${reason}`}${pause ? `, retry-after: ${pause}` : ""}`,
  );
}

/** Why a registry refuses, from its answer. */
function reasonOf(body: string): string {
  try {
    const { errors } = JSON.parse(body) as { errors: { code: string; message?: string }[] };
    return errors
      .map(({ code, message }) => `${code.toLowerCase()}${message ? `: ${message}` : ""}`)
      .join("; ");
  } catch {
    return body.trim().split("\n")[0]?.slice(0, 200) ?? "";
  }
}
