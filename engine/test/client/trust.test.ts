import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { expect, it, vi } from "vitest";
import { trustOf } from "../../src/client/trust.ts";
import { temporaryFolder } from "../folder.ts";

it("a registry is checked against Node's authorities, those of the variable, and those of Docker's folder for it", () => {
  const folder = temporaryFolder();
  const host = join(folder, "registry.example:5000");
  mkdirSync(host);
  for (const name of ["ca.crt", "client.cert", "client.key", "README"]) writeFileSync(join(host, name), name);
  writeFileSync(join(folder, "extra.pem"), "extra");
  vi.stubEnv("NODE_EXTRA_CA_CERTS", join(folder, "extra.pem"));
  try {
    const { ca, cert, key } = trustOf("registry.example:5000", folder);
    expect(ca).toEqual(expect.arrayContaining([rootCertificates[0], "extra", "ca.crt"]));
    expect(ca).not.toContain("README");
    expect([cert, key]).toEqual(["client.cert", "client.key"]);
    expect(trustOf("other.example", folder).ca).not.toContain("ca.crt");
  } finally {
    vi.unstubAllEnvs();
  }
});
