import { digestOf } from "../store/store.ts";
import type { ContainerState, Mount, ServiceValue } from "./values.ts";

/** Identity of all that can influence what a command in the container does. */
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
  );
}

function mountKey(mount: Mount): unknown {
  // What a cache volume holds, or starts with, never counts.
  if (mount.kind === "cache") return [mount.kind, mount.path, mount.cache];
  const { tree, entry, secret, ...rest } = mount;
  const { blob, mode, uid, gid } = entry ?? {};
  return [rest, tree?.digest ?? null, entry ? [blob, mode, uid, gid] : null, secret?.cacheKey ?? null];
}

/** Identity of a service: equal services in a session are one running container. */
export function serviceKey(service: ServiceValue): string {
  return digestOf(serviceCacheKey(service), service.container.volatileEnv, secretKeysOf(service));
}

/**
 * Plaintexts that a service runs with, and those that it is bound to: secrets of one name may differ from run to run, and
 * the steps that use them are kept all the same; but nobody must meet a process that was started with another's.
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

/** What of a service counts for the steps that are bound to it. */
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
