import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates, type SecureContextOptions } from "node:tls";

/** The authorities of Debian and of Red Hat and their like: where Docker looks, too. */
const BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/** Docker's folder with the certificates of single registries. */
const CERTIFICATES = "/etc/docker/certs.d";

/** The certificate authorities that Docker would trust for a registry, and its certificate for it, as far as this user may read them. */
export function trustOf(
  host: string,
  folder = CERTIFICATES,
): Pick<SecureContextOptions, "ca" | "cert" | "key"> {
  const own = join(folder, host);
  const files = list(own);
  const ca = [
    ...rootCertificates,
    ...[...BUNDLES, process.env.NODE_EXTRA_CA_CERTS ?? ""].flatMap(read),
    ...files.filter((name) => name.endsWith(".crt")).flatMap((name) => read(join(own, name))),
  ];
  const name = files.find((file) => file.endsWith(".cert"));
  const [cert] = name ? read(join(own, name)) : [];
  const [key] = name ? read(join(own, name.replace(/\.cert$/, ".key"))) : [];
  return { ca, ...(cert && key && { cert, key }) };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string[] {
  try {
    return [readFileSync(path, "utf8")];
  } catch {
    return [];
  }
}
