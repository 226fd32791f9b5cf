import { type Call, encodeId } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import { type PortForwardValue, type PortValue, type ServiceValue, scratch } from "../core/values.ts";
import { forwardsOf, startForward } from "../docker/forward.ts";
import { serviceHostname } from "../docker/hostname.ts";
import { openTerminalIn } from "../docker/terminal.ts";
import type { Args, Evaluator, Resolver, SessionContext } from "../session/context.ts";

/** Forwards host ports to a service until the user stops it. */
export async function upService(service: ServiceValue, args: Args, session: SessionContext): Promise<null> {
  const ports = forwardsOf(service, args.ports, args.random);
  const tunnel = await startForward(session, { kind: "tunnel", service, ports, native: false });
  for (const [i, { port }] of (tunnel.ports ?? []).entries())
    session.progress.note(`http://localhost:${port} leads to port ${ports[i]?.backend} of the service`);
  await session.interrupted;
  await tunnel.stop(false);
  return null;
}

/** A service that forwards ports between networks, without a process of its own. */
export function forwardService(forward: NonNullable<ServiceValue["forward"]>): ServiceValue {
  return { container: scratch, command: [], privileged: false, noInit: false, forward };
}

/** A service that forwards host ports to another service. */
export function tunnelTo(service: ServiceValue, asked: PortForwardValue[], native: boolean): ServiceValue {
  const chosen = asked.map((port) => ({ ...port, frontend: port.frontend ?? 0 }));
  // The service's own ports: under the same numbers, or, if nothing else is requested, under free ones.
  const own = native || asked.length === 0 ? forwardsOf(service, [], !native) : [];
  return forwardService({ kind: "tunnel", service, ports: [...own, ...chosen], native });
}

async function portsOf(service: ServiceValue, session: SessionContext): Promise<PortValue[]> {
  const { forward, container } = service;
  if (!forward) return container.ports;
  if (forward.kind === "host") {
    return forward.ports.map(({ frontend, backend, protocol }) => {
      return { port: frontend ?? backend, protocol, experimentalSkipHealthcheck: false };
    });
  }
  const running = await session.services.find(service);
  if (!running?.ports) throw new UserError("the tunnel is not open: start it first");
  return running.ports;
}

function hostnameOf(service: ServiceValue): string {
  return service.forward?.kind === "tunnel" ? "localhost" : serviceHostname(service);
}

/** Both return the ID of the service. */
export const serviceResolvers: Record<string, Resolver> = {
  start: async ({ parent }, { session }) => {
    await session.services.acquire(await session.evaluate(parent as Call));
    return encodeId(parent as Call);
  },
  stop: async ({ parent, args }, { session }) => {
    await session.services.stop(await session.evaluate(parent as Call), args.kill === true);
    return encodeId(parent as Call);
  },
};

export const service: Record<string, Evaluator> = {
  hostname: (value: ServiceValue) => hostnameOf(value),
  endpoint: async (value: ServiceValue, { port, scheme }, session) => {
    const found = port ?? (await portsOf(value, session))[0]?.port;
    if (found === undefined)
      throw new UserError("the service exposes no port: add withExposedPort, or name the port");
    const address = `${hostnameOf(value)}:${found}`;
    return scheme ? `${scheme}://${address}` : address;
  },
  ports: (value: ServiceValue, _args, session) => portsOf(value, session),
  withHostname: (value: ServiceValue, { hostname }): ServiceValue => ({ ...value, hostname }),
  terminal: async (value: ServiceValue, { cmd }, session): Promise<ServiceValue> => {
    await openTerminalIn(session, value, cmd);
    return value;
  },
  up: upService,
};
