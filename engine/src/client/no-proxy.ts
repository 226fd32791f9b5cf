import { BlockList, isIP } from "node:net";

/**
 * Whether a URL is requested directly: it is on this machine, or in the list of NO_PROXY, which has names (with their
 * subdomains), addresses and networks, each with an optional port.
 */
export function isDirect({ hostname, port, protocol }: URL, noProxy: string): boolean {
  const host = bare(hostname);
  const number = port || (protocol === "https:" ? "443" : "80");
  const entries = noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  return isLoopback(host) || entries.some((entry) => entry === "*" || covers(entry, host, number));
}

function covers(entry: string, host: string, port: string): boolean {
  if (isIP(entry)) return entry === host;
  const [, name = "", only = port] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? [];
  return only === port && (isBelow(host, bare(name)) || inNetwork(host, name));
}

function isBelow(host: string, name: string): boolean {
  const domain = name.replace(/^\*?\./, "");
  return (host === domain && !name.startsWith("*")) || host.endsWith(`.${domain}`);
}

function inNetwork(host: string, network: string): boolean {
  const [address = "", bits = ""] = network.split("/");
  const family = isIP(address);
  if (!/^\d+$/.test(bits) || !family || family !== isIP(host) || Number(bits) > (family === 6 ? 128 : 32))
    return false;
  const list = new BlockList();
  const kind = family === 6 ? "ipv6" : "ipv4";
  list.addSubnet(address, Number(bits), kind);
  return list.check(host, kind);
}

/** Whether a host, or the host of a URL, is this machine's loopback. */
export function isLoopback(text: string): boolean {
  const full = text.includes("://") ? text : `http://${isIP(text) === 6 ? `[${text}]` : text}`;
  const host = URL.canParse(full) ? bare(new URL(full).hostname) : "";
  return /^(localhost|127\.[\d.]+|::1)$/.test(host) || host.endsWith(".localhost");
}

const bare = (hostname: string): string => hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
