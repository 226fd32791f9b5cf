import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";
import type Docker from "dockerode";

interface RegistryConfig {
  IndexConfigs?: Record<string, { Secure: boolean }>;
  InsecureRegistryCIDRs?: string[];
}

/** Whether Docker's configuration allows plain HTTP, and any certificate, for a registry; by default, it does on loopback. */
export async function isInsecure(docker: Docker, registry: string): Promise<boolean> {
  const { IndexConfigs, InsecureRegistryCIDRs }: RegistryConfig = (await docker.info()).RegistryConfig;
  const known = IndexConfigs?.[registry];
  if (known) return !known.Secure;
  const insecure = new BlockList();
  for (const range of InsecureRegistryCIDRs ?? []) {
    const [address = "", bits] = range.split("/");
    insecure.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
  }
  const { hostname } = new URL(`http://${registry}`);
  const found = await lookup(hostname.replace(/^\[(.*)\]$/, "$1"), { all: true }).catch(() => []);
  return found.some(({ address, family }) => insecure.check(address, family === 6 ? "ipv6" : "ipv4"));
}
