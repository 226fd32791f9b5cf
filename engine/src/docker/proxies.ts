import { containerProxies } from "../client/proxies.ts";
import type { ContainerState } from "../core/values.ts";

/**
 * The proxy variables that a container gets besides those of its state. They are in no cache key and no image.
 * @param hosts lines for its /etc/hosts, e.g. "db:172.18.0.2".
 */
export function proxiesOf(state: ContainerState, hosts: readonly string[] = []): [string, string][] {
  const bound = hosts.map((line) => line.split(":")[0] as string);
  const secret = new Set(state.secretEnv.map(([name]) => name.toUpperCase()));
  const found = containerProxies([...state.env, ...state.volatileEnv], bound);
  return found.filter(([name]) => !secret.has(name.toUpperCase()));
}
