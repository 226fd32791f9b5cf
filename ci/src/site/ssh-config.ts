import type { Environment } from "./environment.js";

/** A line for known_hosts that pins the machine's host key. */
export function knownHosts({ host, port, hostKey }: Environment): string {
  return `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n`;
}

/** Request only the type of key that is pinned: the machine's other keys would be rejected. */
function keyAlgorithms(hostKey: string): string {
  const [type = ""] = hostKey.split(" ");
  return type === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type;
}

/** Text for ssh_config(5). The environment's fields contain no space and no quote. */
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
    // Seconds. A connection without any traffic for 30 s counts as lost.
    ConnectTimeout: 10,
    ServerAliveInterval: 5,
    ServerAliveCountMax: 6,
    LogLevel: "ERROR",
  };
  const lines = Object.entries(options).map(([name, value]) => `  ${name} ${value}\n`);
  return `Host machine\n${lines.join("")}`;
}
