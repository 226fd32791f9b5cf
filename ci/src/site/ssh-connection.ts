import {
  type Container,
  type Directory,
  dag,
  ReturnType,
  type Secret,
  type Service,
} from "@dagger.io/dagger";
import { images } from "../versions.js";
import { normalise } from "./checkout.js";
import type { Environment } from "./environment.js";
import type { RegistryLogin } from "./registry.js";
import type { StackSecrets } from "./secrets.js";
import { knownHosts, sshConfig } from "./ssh-config.js";

/** How to reach the machine of an environment. */
export interface Connection {
  environment: Environment;
  /** Private key of the environment's user. */
  key: Secret;
  /** scripts/host, sent with every call. */
  scripts: Directory;
  /** A machine that runs as a service in the engine; its host name is then the environment's host. */
  service?: Service;
}

/** Sent with the scripts. Secrets travel on standard input and never become an argument, a variable or a layer. */
export interface Payload {
  /** Compose file, configuration, release.env. */
  release?: Directory;
  secrets?: StackSecrets;
  registry?: RegistryLogin;
  /** Name of the caller for the history; if empty, `send` derives it from the SSH key. */
  by?: string;
}

/**
 * Sends the scripts and the payload over one SSH connection and runs `stackline ARGUMENT...` on the machine. A command that
 * changes the stack continues there if the connection is lost.
 * @returns its output.
 * @throws ExecError with its output, when it fails.
 */
export function runRemote(
  connection: Connection,
  args: readonly string[],
  payload: Payload = {},
): Promise<string> {
  return sshClient(connection, payload)
    .withExec(["sh", "/payload/host/send", ...args])
    .stdout();
}

/** The same for a command that may fail as expected: its exit code. */
export function exitCodeOf(
  connection: Connection,
  args: readonly string[],
  payload: Payload,
): Promise<number> {
  return sshClient(connection, payload)
    .withExec(["sh", "/payload/host/send", ...args], { expect: ReturnType.Any })
    .exitCode();
}

/**
 * The same for output that the pipeline parses: it does not show in the progress.
 * @throws ExecError with its output, when it fails.
 */
export function queryRemote(connection: Connection, args: readonly string[]): Promise<string> {
  return sshClient(connection, {})
    .withExec(["sh", "/payload/host/ask", ...args])
    .file("/answer")
    .contents();
}

/** A container with an SSH client that is configured for the machine. */
export function sshClient({ environment, key, scripts, service }: Connection, payload: Payload): Container {
  const base = dag
    .container()
    .from(images.ssh)
    .withNewFile("/etc/stackline/ssh_config", sshConfig(environment))
    .withNewFile("/etc/stackline/known_hosts", knownHosts(environment))
    .withNewFile("/etc/stackline/directory", environment.directory)
    .withMountedTemp("/run/stackline")
    .withMountedSecret("/run/secrets/ssh-key", key)
    .withMountedDirectory("/payload", payloadFolder(scripts, payload))
    // Results depend on the state of the machine: never take them from the cache.
    .withEnvVariable("STACKLINE_CALLED_AT", `${Date.now()} ${Math.random()}`);
  const bound = service ? base.withServiceBinding(environment.host, service) : base;
  return withSecrets(bound, payload);
}

/** Mounts the payload's secrets and, one by one, the values in them: the machine's output does not show them. */
function withSecrets(client: Container, { secrets, registry }: Payload): Container {
  const withStack = secrets
    ? client
        .withMountedSecret("/run/secrets/stack", secrets.lines)
        .withNewFile("/etc/stackline/defaults", secrets.defaults)
    : client;
  const withRegistry = registry
    ? withStack.withMountedSecret("/run/secrets/registry", registry.lines)
    : withStack;
  const masked = [...(secrets?.values ?? []), ...(registry ? [registry.password] : [])];
  return masked.reduce(
    (result, value, i) => result.withMountedSecret(`/run/masked/${i}`, value),
    withRegistry,
  );
}

function payloadFolder(scripts: Directory, { release, by }: Payload): Directory {
  const folder = (release ?? dag.directory()).withDirectory("host", normalise(scripts));
  return by ? folder.withNewFile("by", by) : folder;
}
