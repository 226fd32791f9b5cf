import { readFileSync } from "node:fs";
import type Docker from "dockerode";

/** Linux capabilities, in the order of their numbers. */
const CAPABILITIES =
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE".split(
    " ",
  );

/** Capabilities that even root lacks on this machine, e.g. inside another container. */
function withheld(): string[] {
  try {
    const [, bounding = ""] = /CapBnd:\s*(\w+)/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    const bits = BigInt(`0x${bounding}`);
    return CAPABILITIES.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 0n);
  } catch {
    return [];
  }
}

/** All available privileges: Docker refuses `Privileged` if a single capability is missing. */
export function allPrivileges(): Docker.HostConfig & { CgroupnsMode?: string } {
  const missing = withheld();
  if (missing.length === 0) return { Privileged: true };
  return {
    CapAdd: ["ALL"],
    CapDrop: missing,
    SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined"],
    MaskedPaths: [],
    ReadonlyPaths: [],
    DeviceCgroupRules: ["a *:* rwm"],
    CgroupnsMode: "host",
    // Docker mounts it read-only except in privileged containers; a nested container runtime writes to it.
    Binds: ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
  };
}
