import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "./host.ts";

/** Where Debian and its kin keep what they trust: the bundle as the host has it, and the authorities added by hand. */
const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const ADDED = "/usr/local/share/ca-certificates";

/** Content of the host's bundle: part of a recipe's fingerprint, so that a new authority reaches the images. */
export const trustedBundle = async (): Promise<Buffer> => (await readIfThere(BUNDLE)) ?? Buffer.alloc(0);

/** Puts the host's certificate authorities (a company proxy's among them) into a build context, under `ca/`. */
export async function copyAuthorities(context: string): Promise<void> {
  const target = join(context, "ca");
  await mkdir(join(target, "added"), { recursive: true });
  await cp(BUNDLE, join(target, "ca-certificates.crt")).catch(() => {});
  for (const name of await readdir(ADDED).catch(() => [])) {
    if (name.endsWith(".crt")) await cp(join(ADDED, name), join(target, "added", name));
  }
}
