import { type Directory, dag, type File } from "@dagger.io/dagger";
import { cloudConfig } from "./cloud-init.js";
import { type Environment, readEnvironment } from "./environment.js";
import { sshClient } from "./ssh-connection.js";
import { connectTo, type Target } from "./target.js";

export interface ProvisioningOptions {
  /** Megabytes, on a machine that has none; 0 for none. */
  swap: number;
}

/** Arguments of scripts/host/provision for an environment. */
function provisionArgs(environment: Environment, { swap }: ProvisioningOptions): string[] {
  const { user, directory, port, containerPorts, settings } = environment;
  const { CLIENT_CONNECTIONS: connections, TRUSTED_PROXY: proxy } = settings;
  return [
    ...["--user", user, "--directory", directory, "--ssh-port", String(port), "--swap", String(swap)],
    ...containerPorts.flatMap((open) => ["--container-port", String(open)]),
    ...(connections ? ["--client-connections", connections] : []),
    ...(proxy ? ["--trusted-proxy", proxy] : []),
  ];
}

/**
 * Prepares the machine for the stack and authorises the key for the deploy user.
 * @param admin user of the machine: root, or one who has sudo without a password.
 * @returns what was changed there, a line each.
 */
export async function provisionMachine(
  target: Target,
  admin: string,
  options: ProvisioningOptions,
): Promise<string> {
  const connection = await connectTo(target);
  const { environment } = connection;
  return sshClient({ ...connection, environment: { ...environment, user: requireUser(admin) } }, {})
    .withExec(["sh", "/payload/host/send-provision", ...provisionArgs(environment, options)])
    .stdout();
}

function requireUser(name: string): string {
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(name)) {
    throw new Error(
      `--admin ${JSON.stringify(name)} is not a user's name: root, or what the provider gives (admin, ubuntu)`,
    );
  }
  return name;
}

/** The same as cloud-init user data, for a new machine. */
export async function cloudInit(
  { env, environments, scripts }: Omit<Target, "sshKey">,
  sshPublicKey: string,
  options: ProvisioningOptions,
): Promise<File> {
  const environment = await readEnvironment(environments, env);
  const key = requirePublicKey(sshPublicKey);
  const args = ["--authorized-key", key, ...provisionArgs(environment, options)];
  return dag.file("cloud-init.yml", cloudConfig(await provisioningFiles(scripts), args));
}

function requirePublicKey(key: string): string {
  if (!/^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( .*)?$/.test(key.trim())) {
    throw new Error(
      '--ssh-public-key takes a public key, as the .pub file beside the private one has it: "ssh-ed25519 AAAA..."',
    );
  }
  return key.trim();
}

/** The script and its parts, by path under scripts/host. */
async function provisioningFiles(scripts: Directory): Promise<[path: string, text: string][]> {
  const paths = ["provision", ...(await scripts.glob("provisioning/*.sh"))].sort();
  return Promise.all(
    paths.map(async (path): Promise<[string, string]> => [path, await scripts.file(path).contents()]),
  );
}
