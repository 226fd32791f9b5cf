import { digestOf } from "../store/store.ts";
import type { ContainerState, Mount, ServiceValue } from "./values.ts";

/** Identity of all that can influence what a command in the container does. */
export function containerKey(state: ContainerState): string {
  return digestOf(
    state.platform,
    state.image ?? null,
    state.overlays.map((tree) => tree.digest),
    state.env,
    state.secretEnv.map(([name, secret]) => [name, secret.key]),
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
  return [rest, tree?.digest ?? null, entry ? [blob, mode, uid, gid] : null, secret?.key ?? null];
}

/** Identity of a service: equal services in a session are one running container. */
export function serviceKey(service: ServiceValue): string {
  return digestOf(serviceCacheKey(service), service.container.volatileEnv);
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
