import { connect, createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import type Docker from "dockerode";
import { $ } from "zx";
import { allPrivileges } from "../../engine/src/docker/privileges.ts";
import { provideImage } from "../../engine/src/images/index.ts";
import { docker, root } from "./support.ts";

/** Debian with systemd, iproute2 and Python. */
export const image = "stackline/test-bare-vm";

export interface BareVm {
  /** ID of its container. */
  id: string;
  address: string;
  /** Runs a shell line as root; `output` contains both streams, in the order in which they were written. */
  run(line: string): Promise<{ exitCode: number; output: string }>;
  remove(): Promise<void>;
}

/** Starts a Debian with systemd and an SSH server; the scripts are in /host. */
export async function startBareVm(): Promise<BareVm> {
  await provideImage(docker, "debian:bookworm-slim", () => undefined);
  const context = fileURLToPath(new URL("./fixtures/bare-vm", import.meta.url));
  await $({ quiet: true })`docker build --quiet --tag ${image} ${context}`;
  const vm = await docker.createContainer(options());
  await vm.start();
  const run = async (line: string): Promise<{ exitCode: number; output: string }> => {
    const result = await $({
      quiet: true,
      nothrow: true,
    })`docker exec ${vm.id} bash -c ${`exec 2>&1; ${line}`}`;
    return { exitCode: result.exitCode ?? -1, output: result.stdall };
  };
  const booted = await run(
    "until systemctl is-system-running 2>/dev/null | grep -E 'running|degraded'; do sleep 0.5; done",
  );
  if (!booted.output.startsWith("running")) throw new Error(`systemd is ${booted.output}`);
  return {
    id: vm.id,
    address: await addressOf(vm),
    run,
    remove: () => vm.remove({ force: true, v: true }),
  };
}

/** Its address on Docker's default network. */
export async function addressOf(container: Docker.Container): Promise<string> {
  return (await container.inspect()).NetworkSettings.Networks.bridge?.IPAddress ?? "";
}

/**
 * Forwards connections from containers of any network to the VM's SSH server, which Docker isolates from them.
 * @returns its address, on Docker's default network only.
 */
export async function relay(vm: BareVm): Promise<{ host: string; port: number; server: Server }> {
  const { IPAM }: Docker.NetworkInspectInfo = await docker.getNetwork("bridge").inspect();
  const host = IPAM?.Config?.[0]?.Gateway ?? "172.17.0.1";
  const server = createServer((incoming) => {
    const outgoing = connect(22, vm.address);
    incoming.pipe(outgoing).pipe(incoming);
    for (const side of [incoming, outgoing])
      side.on("error", () => [incoming, outgoing].map((s) => s.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return { host, port: typeof address === "object" && address ? address.port : 0, server };
}

function options(): Docker.ContainerCreateOptions {
  const rights = allPrivileges();
  return {
    Image: image,
    Tty: true,
    Env: ["container=docker"],
    Volumes: { "/var/lib/docker": {} },
    HostConfig: {
      ...rights,
      Tmpfs: { "/run": "", "/tmp": "exec" },
      Binds: [...(rights.Binds ?? []), `${root}scripts/host:/host:ro`],
    },
  };
}
