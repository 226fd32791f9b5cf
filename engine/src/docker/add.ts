import { posix } from "node:path";
import { get } from "../client/request.ts";
import { UserError } from "../core/errors.ts";
import { newFile, type Tree } from "../store/tree.ts";
import type { Run } from "./run.ts";

/** Folder of the build context for what ADD names by URL. */
const FOLDER = ".stackline-add";

/** A file that a Dockerfile adds by URL, and where it is in the build context. */
export interface Added {
  url: string;
  path: string;
}

/** A Dockerfile with files of the build context in place of the URLs whose hosts are accepted. Such files are not unpacked. */
export function withoutUrls(
  text: string,
  accepts: (host: string) => boolean,
): { text: string; added: Added[] } {
  const added: Added[] = [];
  const rewritten = text.replace(/^([ \t]*)ADD[ \t]+((?:\\\r?\n|.)*)$/gim, (line, indent, rest: string) => {
    const words = rest
      .replace(/\\\r?\n/g, " ")
      .trim()
      .split(/\s+/);
    const flags = words.filter((word) => word.startsWith("--"));
    const [target = "", ...reversed] = words.filter((word) => !word.startsWith("--")).reverse();
    const sources = reversed.reverse();
    const urls = sources.filter((source) => isHttp(source) && accepts(new URL(source).hostname));
    if (urls.length === 0) return line;
    const others = sources.filter((source) => !urls.includes(source));
    const paths = urls.map((url) => {
      const path = `${FOLDER}/${added.length}/${posix.basename(new URL(url).pathname) || "index"}`;
      added.push({ url, path });
      return path;
    });
    const add = others.length > 0 ? `${indent}ADD ${[...flags, ...others, target].join(" ")}\n` : "";
    return `${add}${indent}COPY ${[...flags, ...paths, target].join(" ")}`;
  });
  return { text: rewritten, added };
}

function isHttp(source: string): boolean {
  return /^https?:\/\//.test(source) && URL.canParse(source);
}

/**
 * Downloads what a Dockerfile adds from running services: Docker's builder does not know their names.
 * @returns the build context with these files and a Dockerfile that copies them.
 */
export async function withDownloads(
  run: Pick<Run, "store" | "services" | "work">,
  tree: Tree,
  dockerfile: string,
  text: string,
): Promise<Tree> {
  const hosts = run.services.hostnames();
  const { text: rewritten, added } = withoutUrls(text, (host) => hosts.has(host));
  if (added.length === 0) return tree;
  let context = tree;
  for (const { url, path } of added) {
    const { hostname: name } = new URL(url);
    const { ip: address } = await (hosts.get(name) as NonNullable<ReturnType<typeof hosts.get>>);
    const response = await get(new URL(url), {
      headers: {},
      signal: run.work.signal,
      known: { name, address },
    });
    if (response.statusCode !== 200)
      throw new UserError(`${dockerfile}: ADD ${url}: the server answers ${response.statusCode}`);
    const { digest, size } = await run.store.writeBlob(response);
    // Docker's mode for what is added by URL.
    context = context.with(path, newFile(digest, size, 0o600));
  }
  const { digest, size } = await run.store.putBlob(rewritten);
  return context.with(dockerfile, { ...newFile(digest, size), mtime: tree.get(dockerfile)?.mtime ?? 0 });
}
