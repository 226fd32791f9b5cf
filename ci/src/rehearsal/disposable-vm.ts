import { CacheSharingMode, type Container, type Directory, dag, type Service } from "@dagger.io/dagger";
import { normalise } from "../site/checkout.js";
import { parseEnvironment } from "../site/environment.js";
import { type Connection, sshClient } from "../site/ssh-connection.js";
import { generateKeyPair } from "../site/ssh-keys.js";

/** A service in the engine with an SSH server and its own Docker. */
export type DisposableVm = Connection & { service: Service };

/**
 * Starts a VM. It needs all root capabilities, because its Docker runs in a container.
 * @param vm scripts/vm.
 * @param scripts scripts/host.
 */
export async function startDisposableVm(vm: Directory, scripts: Directory): Promise<DisposableVm> {
  const host = generateKeyPair();
  const user = generateKeyPair();
  const service = await normalise(vm)
    .dockerBuild()
    .withSecretVariable("HOST_KEY", dag.setSecret("vm-host-key", host.privateKey))
    .withSecretVariable("AUTHORIZED_KEY", dag.setSecret("vm-authorized-key", user.publicKey))
    .withMountedTemp("/run")
    .withMountedTemp("/tmp")
    // Images are cached from one VM to the next; two daemons at once would corrupt the folder.
    .withMountedCache("/var/lib/docker", dag.cacheVolume("stackline-vm"), {
      sharing: CacheSharingMode.Locked,
    })
    // Port 22 opens when Docker is ready.
    .withExposedPort(22)
    .asService({ useEntrypoint: true, insecureRootCapabilities: true })
    .start();
  const environment = parseEnvironment(
    "vm",
    JSON.stringify({ host: "vm", user: "deploy", hostKey: host.publicKey, repository: "localhost:5000/app" }),
  );
  return { environment, key: dag.setSecret("vm-key", user.privateKey), scripts, service };
}

/** Runs a shell line on the VM, with an image as its standard input. */
export function runOnVm(vm: DisposableVm, line: string, input?: Container): Promise<string> {
  const base = sshClient(vm, {});
  const withInput = input
    ? base.withMountedFile("/input", input.asTarball())
    : base.withNewFile("/input", "");
  const connect =
    "umask 077; cp /run/secrets/ssh-key /run/stackline/key; exec ssh -F /etc/stackline/ssh_config machine";
  return withInput.withExec(["sh", "-euc", `${connect} "$1" </input`, "ssh", line]).stdout();
}

/** Loads an image under a name, unless an image of that name is cached from an earlier VM. */
export async function provideImage(vm: DisposableVm, name: string, image: Container): Promise<void> {
  const has = `docker image inspect ${name} >/dev/null 2>&1 && echo yes || echo no`;
  if ((await runOnVm(vm, has)).trim() !== "yes") await loadImage(vm, name, image);
}

/** `docker load` prints either a name or an ID. */
export async function loadImage(vm: DisposableVm, name: string, image: Container): Promise<void> {
  const line = `docker tag "$(docker load | sed -n 's/^Loaded image\\( ID\\)*: //p' | tail -n 1)" ${name}`;
  await runOnVm(vm, line, image);
}
