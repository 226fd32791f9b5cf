import type { AddressInfo } from "node:net";
import { createServer, connect as dial, type Server } from "node:net";
import { UserError } from "../core/errors.ts";
import type { PortForwardValue, PortValue, ServiceValue } from "../core/values.ts";
import { canConnect } from "./health.ts";
import type { Run } from "./run.ts";
import type { RunningService } from "./running.ts";

/** Listens on a host address and forwards each connection. */
export async function listen(
  address: string,
  port: number,
  target: { host: string; port: number },
): Promise<Server> {
  const server = createServer((client) => {
    const upstream = dial(target.port, target.host);
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? portInUse(port, target.port) : error),
    );
    server.listen(port, address, resolve);
  });
  server.unref();
  return server;
}

function portInUse(port: number, backend: number): UserError {
  return new UserError(
    `port ${port} of this machine is in use: choose another, e.g. --ports ${port < 50_000 ? port + 8000 : port - 8000}:${backend}`,
  );
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Which host ports are forwarded to which service ports: those requested, else the ports that the service exposes. */
export function forwardsOf(
  service: ServiceValue,
  asked: PortForwardValue[],
  random: boolean,
): PortForwardValue[] {
  const own = service.container.ports.map(({ port, protocol }) => ({ backend: port, protocol }));
  const wanted: PortForwardValue[] = asked.length > 0 ? asked : own;
  if (wanted.length === 0)
    throw new UserError("the service exposes no port: add withExposedPort, or give ports");
  return wanted.map((forward) => ({
    ...forward,
    frontend: random ? 0 : (forward.frontend ?? forward.backend),
  }));
}

/** Starts port forwarding from this machine to a service, or from services to this machine. */
export async function startForward(
  run: Pick<Run, "network" | "services">,
  forward: NonNullable<ServiceValue["forward"]>,
): Promise<RunningService> {
  if (forward.ports.some(({ protocol }) => protocol === "UDP"))
    throw new UserError("UDP ports cannot be forwarded by the embedded engine");
  if (forward.kind === "host") {
    const frontends = forward.ports.map(({ frontend, backend }) => frontend ?? backend);
    const { address, release } = await run.network.reserve(frontends);
    return open(address, forward.ports, forward.host, release);
  }
  const { running, release } = await run.services.acquire(forward.service);
  return open("127.0.0.1", forward.ports, running.ip, release);
}

/** Whether a server on this machine is where the forward is to be: it listens on all addresses. */
async function isDirect(
  address: string,
  port: number,
  target: { host: string; port: number },
): Promise<boolean> {
  const isOwn = ["localhost", "127.0.0.1", "0.0.0.0"].includes(target.host);
  return isOwn && port === target.port && (await canConnect(address, port));
}

async function open(
  address: string,
  ports: PortForwardValue[],
  host: string,
  release: () => void,
): Promise<RunningService> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    for (const server of servers) server.close();
    release();
  };
  try {
    for (const { frontend, backend } of ports) {
      const target = { host, port: backend };
      if (!(await isDirect(address, frontend ?? backend, target)))
        servers.push(await listen(address, frontend ?? backend, target));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const opened = servers.map((server): PortValue => {
    return { port: portOf(server), protocol: "TCP", experimentalSkipHealthcheck: false };
  });
  return { ip: address, ports: opened, ended: new Promise(() => undefined), stop: close };
}
