import { posix } from "node:path";
import { get, type RequestOptions } from "../client/request.ts";
import { UserError } from "../core/errors.ts";
import type { FileValue, SecretValue, ServiceValue } from "../core/values.ts";
import { serviceHostname } from "../docker/hostname.ts";
import type { Args, SessionContext } from "../session/context.ts";
import { newFile } from "../store/tree.ts";

/** Default mode of a file, as in the official engine. */
const PERMISSIONS = 0o600;

interface Download {
  digest: string;
  size: number;
}

/** Downloads a URL, once per session. A file whose checksum is given and which is in the store is not downloaded again. */
export async function fetchFile(session: SessionContext, args: Args): Promise<FileValue> {
  const url = parseUrl(args.url);
  const wanted = parseChecksum(args.checksum);
  const { digest, size } = await session.progress.step(`http ${shown(url)}`, async (step) => {
    if (!wanted || !session.store.hasBlob(wanted))
      return withServiceHost(session, args, (known) => download(session, url, args, known));
    step.cached();
    return { digest: wanted, ...session.store.statBlob(wanted) };
  });
  if (wanted && digest !== wanted)
    throw new UserError(
      `http ${shown(url)}: checksum mismatch: expected sha256:${wanted}, got sha256:${digest}`,
    );
  const name = args.name ?? (posix.basename(url.pathname) || "index");
  return { name, entry: newFile(digest, size, args.permissions ?? PERMISSIONS) };
}

/** Runs `use` while the service that a call names is up, with the host name at which the call reaches it. */
export async function withServiceHost<T>(
  session: SessionContext,
  { experimentalServiceHost }: Args,
  use: (known?: RequestOptions["known"]) => Promise<T>,
): Promise<T> {
  if (!experimentalServiceHost) return use();
  const service = await session.evaluate<ServiceValue>(experimentalServiceHost);
  const { running, release } = await session.services.acquire(service);
  try {
    return await use({ name: serviceHostname(service), address: running.ip });
  } finally {
    release();
  }
}

async function download(
  session: SessionContext,
  url: URL,
  args: Args,
  known: RequestOptions["known"],
): Promise<Download> {
  const headers = await authorization(session, url, args);
  const bare = new URL(url);
  bare.username = bare.password = "";
  try {
    const { signal } = session.work;
    const response = await get(bare, { headers, signal, ...(known && { known }) });
    const { statusCode = 0, statusMessage } = response;
    if (statusCode >= 200 && statusCode < 300) return await session.store.writeBlob(response);
    response.destroy();
    throw new UserError(`invalid response status ${statusCode} ${statusMessage}`);
  } catch (error) {
    throw new UserError(`http ${shown(url)}: ${(error as Error).message}`);
  }
}

async function authorization(
  session: SessionContext,
  url: URL,
  { authHeader }: Args,
): Promise<Record<string, string>> {
  if (authHeader) {
    const secret = await session.evaluate<SecretValue>(authHeader);
    return { authorization: (await session.secrets.plaintext(secret)).toString() };
  }
  if (url.username === "") return {};
  const account = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(account).toString("base64")}` };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new UserError("http: the URL must start with http:// or https://");
  return url;
}

/** The address without credentials and query, which may contain passwords and tokens. */
function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

function parseChecksum(text: string | null): string | undefined {
  if (!text) return undefined;
  const [, digest] = /^sha256:([0-9a-f]{64})$/.exec(text) ?? [];
  if (!digest)
    throw new UserError(
      `http: invalid checksum ${JSON.stringify(text)}: give sha256: and 64 hexadecimal digits`,
    );
  return digest;
}
