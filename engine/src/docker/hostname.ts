import { createHash } from "node:crypto";
import { serviceKey } from "../core/keys.ts";
import type { ServiceValue } from "../core/values.ts";

/** A service's host name in the session's network: the one it was given, or one derived from its key. */
export function serviceHostname(service: ServiceValue): string {
  if (service.hostname) return service.hostname;
  const hash = createHash("sha256").update(serviceKey(service)).digest();
  return [...hash.subarray(0, 13)].map((byte) => "abcdefghijklmnopqrstuv0123456789"[byte % 32]).join("");
}
