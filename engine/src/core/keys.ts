import { digestOf } from "../store/store.ts";
import type { ContainerState, Mount, ServiceValue } from "./values.ts";

/** Cache key of everything that can influence a command in the container. */
export function containerKey(state: ContainerState): string {
  return digestOf(
    state.platform,
    state.image ?? null,
    state.overlays.map((tree) => tree.digest),
    state.env,
    state.secretEnv.map(([name, secret]) => [name, secret.cacheKey]),
    state.workdir,
    state.user,
    state.mounts.map(mountKey),
    state.bindings.map(([alias, service]) => [alias, serviceCacheKey(service)]),
    // Of volatile variables only the names: a step that has one is not the same as one that has not.
    ...state.volatileEnv.map(([name]) => name),
  );
}

/** Which cache volume a mount means: what the volume starts with and whose it is distinguish it from others with its key. */
export function cacheIdentity({ cache, tree, uid, gid }: Mount): unknown {
  const isPlain = !tree && uid === undefined && gid === undefined;
  return isPlain ? cache : [cache, tree?.digest ?? null, uid ?? 0, gid ?? 0];
}

function mountKey(mount: Mount): unknown {
  // The content of a cache volume is never part of the key.
  if (mount.kind === "cache") return [mount.kind, mount.path, cacheIdentity(mount)];
  const { tree, entry, secret, ...rest } = mount;
  const { blob, mode, uid, gid } = entry ?? {};
  return [rest, tree?.digest ?? null, entry ? [blob, mode, uid, gid] : null, secret?.cacheKey ?? null];
}

/** Identity of a service: equal services of a session share one running container. */
export function serviceKey(service: ServiceValue): string {
  return digestOf(serviceCacheKey(service), service.container.volatileEnv, secretKeysOf(service));
}

/**
 * Keys of the plaintexts that a service and its own bindings run with. Secrets of one name may differ from run to run:
 * steps that use them stay cached, but a process started with another plaintext must not be shared.
 */
function secretKeysOf({ container, forward }: ServiceValue): unknown[] {
  const { secretEnv, mounts, bindings } = container;
  return [
    secretEnv.map(([, secret]) => secret.key),
    mounts.flatMap(({ secret }) => (secret ? [secret.key] : [])),
    bindings.map(([, service]) => secretKeysOf(service)),
    forward?.kind === "tunnel" ? secretKeysOf(forward.service) : [],
  ];
}

/** The part of a service's identity that is in the cache key of the steps bound to it. */
function serviceCacheKey(service: ServiceValue): string {
  const { container, command, hostname, privileged, forward } = service;
  const through =
    forward?.kind === "tunnel" ? [serviceCacheKey(forward.service), forward.ports] : (forward ?? null);
  const { ports, healthcheck } = container;
  return digestOf(
    containerKey(container),
    command,
    hostname ?? null,
    privileged,
    through,
    ports,
    healthcheck ?? null,
  );
}
