import type { Directory } from "@dagger.io/dagger";
import { cloudConfig } from "./cloud-init.js";
import { type Environment, readEnvironment } from "./environment.js";
import { requirePublicKey } from "./public-key.js";
import { sshClient } from "./ssh-connection.js";
import { generateKeyPair } from "./ssh-keys.js";
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

/**
 * The same as cloud-init user data, for a machine that need not exist yet.
 * @param newHostKey whether the machine gets a generated host key, so that even the first connection is to a pinned one.
 */
export async function cloudInit(
  { env, environments, scripts }: Omit<Target, "sshKey">,
  sshPublicKey: string,
  options: ProvisioningOptions,
  newHostKey: boolean,
): Promise<string> {
  const environment = await readEnvironment(environments, env, ["host", "hostKey"]);
  checkProvisioning(environment, options);
  const args = ["--authorized-key", requirePublicKey(sshPublicKey), ...provisionArgs(environment, options)];
  return cloudConfig(await provisioningFiles(scripts), args, newHostKey ? generateKeyPair() : undefined);
}

/** What `provision` would refuse at the machine's first boot, where nobody sees it. */
export function checkProvisioning({ name, user }: Environment, { swap }: ProvisioningOptions): void {
  if (user === "root")
    throw new Error(
      `environments/${name}.json: user is root: provision creates another user, such as deploy`,
    );
  if (!Number.isInteger(swap) || swap < 0)
    throw new Error(`--swap ${swap}: give a whole number of megabytes, 0 for none`);
}

/** The script and its parts, by path under scripts/host. */
async function provisioningFiles(scripts: Directory): Promise<[path: string, text: string][]> {
  const paths = ["provision", ...(await scripts.glob("provisioning/*.sh"))].sort();
  return Promise.all(
    paths.map(
      async (path): Promise<[string, string]> => [
        path,
        (await scripts.file(path).contents()).replaceAll("\r\n", "\n"),
      ],
    ),
  );
}
