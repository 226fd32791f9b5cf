import { type Container, type Directory, dag, type Secret, type Service } from "@dagger.io/dagger";
import { images } from "../versions.js";
import type { Environment } from "./environment.js";

/** A machine that the stack runs on, and how to get in. */
export interface Machine {
  environment: Environment;
  /** Private key of the environment's user. */
  key: Secret;
  /** scripts/host, which are sent along with every call. */
  scripts: Directory;
  /** A machine that lives in the engine; then the environment's host is its name. */
  service?: Service;
}

/** What is sent beside the scripts. Secrets go by standard input and rest in no argument, variable or layer. */
export interface Payload {
  /** Compose file, configuration, release.env. */
  release?: Directory;
  /** The stack's confidential values, as `normaliseSecrets` leaves them. */
  secrets?: Secret;
  /** How the machine logs in to the registry: address, user, password, a line each. */
  registry?: Secret;
  /** Who calls, for the history; "" for what the machine sees. */
  by?: string;
}

/**
 * Sends the scripts and the payload over one SSH connection and runs `stackline ARGUMENT...` there. What changes the stack
 * goes on there when the connection is lost.
 * @returns what it printed.
 * @throws ExecError with what it printed, when it fails.
 */
export function callMachine(
  machine: Machine,
  args: readonly string[],
  payload: Payload = {},
): Promise<string> {
  return caller(machine, payload)
    .withExec(["sh", "/payload/host/send", ...args])
    .stdout();
}

/**
 * The same for an answer that is for the pipeline and not for people: it shows in no progress.
 * @throws ExecError with what it printed, when it fails.
 */
export function askMachine(machine: Machine, args: readonly string[]): Promise<string> {
  return caller(machine, {})
    .withExec(["sh", "/payload/host/ask", ...args])
    .file("/answer")
    .contents();
}

/** A container from which the machine can be called. */
export function caller({ environment, key, scripts, service }: Machine, payload: Payload): Container {
  const base = dag
    .container()
    .from(images.ssh)
    .withNewFile("/etc/stackline/ssh_config", sshConfig(environment))
    .withNewFile("/etc/stackline/known_hosts", `${knownName(environment)} ${environment.hostKey}\n`)
    .withNewFile("/etc/stackline/directory", environment.directory)
    .withMountedTemp("/run/stackline")
    .withMountedSecret("/run/secrets/ssh-key", key)
    .withMountedDirectory("/payload", payloadFolder(scripts, payload))
    // The machine is part of the world: no answer of it is one for next time.
    .withEnvVariable("STACKLINE_CALLED_AT", `${Date.now()} ${Math.random()}`);
  const bound = service ? base.withServiceBinding(environment.host, service) : base;
  const withStack = payload.secrets ? bound.withMountedSecret("/run/secrets/stack", payload.secrets) : bound;
  return payload.registry
    ? withStack.withMountedSecret("/run/secrets/registry", payload.registry)
    : withStack;
}

function payloadFolder(scripts: Directory, { release, by }: Payload): Directory {
  const folder = (release ?? dag.directory()).withDirectory("host", scripts);
  return by ? folder.withNewFile("by", by) : folder;
}

function knownName({ host, port }: Environment): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** The kind of key that is pinned is the only one asked for: another one of the same machine would be refused. */
function keyAlgorithms(hostKey: string): string {
  const [kind = ""] = hostKey.split(" ");
  return kind === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : kind;
}

/** Text for ssh_config(5). The environment's fields hold no space and no quote. */
export function sshConfig({ host, port, user, hostKey }: Environment): string {
  const options = {
    HostName: host,
    Port: port,
    User: user,
    HostKeyAlgorithms: keyAlgorithms(hostKey),
    UserKnownHostsFile: "/etc/stackline/known_hosts",
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    UpdateHostKeys: "no",
    IdentityFile: "/run/stackline/key",
    IdentitiesOnly: "yes",
    BatchMode: "yes",
    // Seconds. A connection that says nothing for 30 s is lost.
    ConnectTimeout: 10,
    ServerAliveInterval: 5,
    ServerAliveCountMax: 6,
    LogLevel: "ERROR",
  };
  const lines = Object.entries(options).map(([name, value]) => `  ${name} ${value}\n`);
  return `Host machine\n${lines.join("")}`;
}
