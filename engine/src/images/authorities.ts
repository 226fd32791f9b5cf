import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "./host.ts";

/** Certificate authorities on Debian and its derivatives: the complete bundle, and those added by hand. */
const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const ADDED = "/usr/local/share/ca-certificates";

/** Content of the host's bundle. It is part of each fingerprint, so that images are rebuilt for a new authority. */
export const trustedBundle = async (): Promise<Buffer> => (await readIfThere(BUNDLE)) ?? Buffer.alloc(0);

/** Copies the host's certificate authorities, e.g. that of a company proxy, into a build context under `ca/`. */
export async function copyAuthorities(context: string): Promise<void> {
  const target = join(context, "ca");
  await mkdir(join(target, "added"), { recursive: true });
  await cp(BUNDLE, join(target, "ca-certificates.crt")).catch(() => {});
  for (const name of await readdir(ADDED).catch(() => [])) {
    if (name.endsWith(".crt")) await cp(join(ADDED, name), join(target, "added", name));
  }
}
