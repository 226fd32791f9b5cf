import { CacheSharingMode, type Container, type Directory, dag, type Service } from "@dagger.io/dagger";
import { parseEnvironment } from "../site/environment.js";
import { caller, type Machine } from "../site/ssh-connection.js";
import { generateKeyPair } from "./ssh-keys.js";

/** A machine to throw away: an SSH server and a Docker of its own, as a service in the engine. */
export type Throwaway = Machine & { service: Service };

/**
 * Starts one. It needs all rights of its host's kernel (insecureRootCapabilities), because its Docker runs in a container.
 * @param vm scripts/vm.
 * @param scripts scripts/host.
 */
export async function startThrowaway(vm: Directory, scripts: Directory): Promise<Throwaway> {
  const own = generateKeyPair();
  const user = generateKeyPair();
  const service = await vm
    .dockerBuild()
    .withSecretVariable("HOST_KEY", dag.setSecret("vm-host-key", own.privateKey))
    .withSecretVariable("AUTHORIZED_KEY", dag.setSecret("vm-authorized-key", user.publicKey))
    .withMountedTemp("/run")
    .withMountedTemp("/tmp")
    // Images stay from one machine to the next; two at once would spoil it for each other.
    .withMountedCache("/var/lib/docker", dag.cacheVolume("stackline-vm"), {
      sharing: CacheSharingMode.Locked,
    })
    // Port 22 answers once Docker does.
    .withExposedPort(22)
    .asService({ useEntrypoint: true, insecureRootCapabilities: true })
    .start();
  const environment = parseEnvironment(
    "vm",
    JSON.stringify({ host: "vm", user: "deploy", hostKey: own.publicKey, repository: "localhost:5000/app" }),
  );
  return { environment, key: dag.setSecret("vm-key", user.privateKey), scripts, service };
}

/** Runs a shell line on it, with a file for its standard input. */
export function onThrowaway(machine: Throwaway, line: string, input?: Container): Promise<string> {
  const base = caller(machine, {});
  const withInput = input
    ? base.withMountedFile("/input", input.asTarball())
    : base.withNewFile("/input", "");
  const connect =
    "umask 077; cp /run/secrets/ssh-key /run/stackline/key; exec ssh -F /etc/stackline/ssh_config machine";
  return withInput.withExec(["sh", "-euc", `${connect} "$1" </input`, "ssh", line]).stdout();
}

/** Gives an image to the machine under a name, unless it has one of that name from an earlier machine. */
export async function provideImage(machine: Throwaway, name: string, image: Container): Promise<void> {
  const has = `docker image inspect ${name} >/dev/null 2>&1 && echo yes || echo no`;
  if ((await onThrowaway(machine, has)).trim() !== "yes") await loadImage(machine, name, image);
}

/** Docker names what it has loaded by a name or by its ID. */
export async function loadImage(machine: Throwaway, name: string, image: Container): Promise<void> {
  const line = `docker tag "$(docker load | sed -n 's/^Loaded image\\( ID\\)*: //p' | tail -n 1)" ${name}`;
  await onThrowaway(machine, line, image);
}
