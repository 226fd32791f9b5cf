import type { AddressInfo } from "node:net";
import { createServer, connect as dial, type Server } from "node:net";
import { UserError } from "../core/errors.ts";
import type { PortForwardValue, ServiceValue } from "../core/values.ts";
import { serviceHostname } from "../docker/services.ts";
import type { Args, Evaluator } from "../session/evaluate.ts";
import type { Session } from "../session/session.ts";

function portOf(service: ServiceValue, port: number | null): number {
  const found = port ?? service.container.ports[0]?.port;
  if (found === undefined)
    throw new UserError("the service exposes no port: add withExposedPort, or name the port");
  return found;
}

/** Which ports of this machine lead to which of the service: those asked for, else the service's own. */
export function forwards(
  service: ServiceValue,
  args: { ports: PortForwardValue[]; random: boolean },
): PortForwardValue[] {
  const asked: PortForwardValue[] =
    args.ports.length > 0
      ? args.ports
      : service.container.ports.map(({ port, protocol }) => ({ backend: port, protocol }));
  if (asked.length === 0)
    throw new UserError("the service exposes no port: add withExposedPort, or give --ports");
  if (asked.some(({ protocol }) => protocol === "UDP"))
    throw new UserError("UDP ports cannot be forwarded by the embedded engine yet");
  return asked.map((forward) => ({
    ...forward,
    frontend: args.random ? 0 : (forward.frontend ?? forward.backend),
  }));
}

/** Listens on this machine and passes each connection on. */
export async function openTunnel(
  session: Session,
  target: string,
  forward: PortForwardValue,
): Promise<Server> {
  const server = createServer((client) => {
    const upstream = dial(forward.backend, target);
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new UserError(
              `port ${forward.frontend} of this machine is in use: choose another, e.g. --ports ${(forward.frontend ?? 0) + 8000}:${forward.backend}`,
            )
          : error,
      ),
    );
    server.listen(forward.frontend, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  session.progress.note(`http://localhost:${port} leads to port ${forward.backend} of the service`);
  return server;
}

/** Leads ports of this machine to a service until the person at the terminal ends it. */
export async function upService(service: ServiceValue, args: Args, session: Session): Promise<null> {
  const { running, release } = await session.services.acquire(service);
  const wanted = forwards(service, args as never);
  const servers = await Promise.all(wanted.map((forward) => openTunnel(session, running.ip, forward)));
  await session.interrupted;
  for (const server of servers) server.close();
  release();
  return null;
}

export const service: Record<string, Evaluator> = {
  hostname: (value: ServiceValue) => serviceHostname(value),
  endpoint: (value: ServiceValue, { port, scheme }) => {
    const address = `${serviceHostname(value)}:${portOf(value, port)}`;
    return scheme ? `${scheme}://${address}` : address;
  },
  ports: (value: ServiceValue) => value.container.ports,
  withHostname: (value: ServiceValue, { hostname }): ServiceValue => ({ ...value, hostname }),
  up: upService,
};
