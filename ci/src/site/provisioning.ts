import { type Directory, dag, type File } from "@dagger.io/dagger";
import { cloudConfig } from "./cloud-init.js";
import { findMachine, type Target } from "./deploy.js";
import { type Environment, readEnvironment } from "./environment.js";
import { caller } from "./ssh-connection.js";

/** What is up to whoever makes the machine. */
export interface Provisioning {
  /** Megabytes, where the machine has none; 0 for none. */
  swap: number;
}

/** scripts/host/provision's options for an environment. */
function options({ user, directory, port }: Environment, { swap }: Provisioning): string[] {
  return ["--user", user, "--directory", directory, "--ssh-port", String(port), "--swap", String(swap)];
}

/**
 * Makes the machine ready for the stack, and lets the key in as the user who deploys.
 * @param admin user of the machine who is root, or becomes it by sudo without a password.
 * @returns what was changed there, a line each.
 */
export async function provisionMachine(
  target: Target,
  admin: string,
  provisioning: Provisioning,
): Promise<string> {
  const machine = await findMachine(target);
  const { environment } = machine;
  return caller({ ...machine, environment: { ...environment, user: requireUser(admin) } }, {})
    .withExec(["sh", "/payload/host/send-provision", ...options(environment, provisioning)])
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

/** The same as user data for a machine that is yet to be made. */
export async function cloudInit(
  { env, environments, scripts }: Omit<Target, "sshKey">,
  sshPublicKey: string,
  provisioning: Provisioning,
): Promise<File> {
  const environment = await readEnvironment(environments, env);
  const key = requirePublicKey(sshPublicKey);
  const args = ["--authorized-key", key, ...options(environment, provisioning)];
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
