import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "zx";

/** A dockerd that did not start; its log since then tells why. */
export class DaemonError extends Error {
  /** Whether it fell over its own list of networks, which a dockerd that was killed can leave wrong (moby/moby#45057). */
  readonly lostNetworks: boolean;

  constructor(log: string) {
    const panic = log.indexOf("panic: ");
    super(`dockerd did not start:\n${panic < 0 ? log.slice(-2000) : log.slice(panic, panic + 2000)}`);
    this.lostNetworks = panic >= 0 && log.includes("libnetwork", panic);
  }
}

/**
 * A Docker daemon of the tests' own, in network, process and mount namespaces of its own: it can be restarted, and the
 * stack in it can have port 80, whatever else runs on this machine. Needs root. It reaches no network.
 */
export class PrivateDaemon {
  readonly folder = mkdtempSync(join(tmpdir(), `stackline-daemon-${process.pid}-`));
  readonly socket = join(this.folder, "docker.sock");
  readonly env = { ...process.env, DOCKER_HOST: `unix://${this.socket}` };
  private readonly cgroup = `stackline-test-${process.pid}`;
  private keeper?: ChildProcess;
  private init = "";
  private daemon?: ChildProcess;

  /** Makes the namespaces and starts the daemon in them. */
  async start(): Promise<void> {
    removeForgotten();
    // Ends with its input, that is with this process, however that ends; and with it everything in the namespaces.
    // The shell stays, to take in processes that have lost their parent: dockerd takes a dead containerd that nobody
    // has waited for to be alive.
    const keep = "ip link set lo up; echo up; cat; :";
    const unshare = ["--net", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child", "sh", "-c", keep];
    this.keeper = spawn("unshare", unshare, { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise((up, failed) => {
      this.keeper?.stdout?.once("data", up);
      this.keeper?.once("exit", () =>
        failed(new Error("no namespaces can be made: the tests of production need root")),
      );
    });
    const pid = this.keeper.pid;
    this.init = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    writeFileSync(join(this.folder, "daemon.json"), "{}");
    mkdirSync(join(this.folder, "data"));
    await this.startDaemon();
  }

  /** Runs a command as if on the machine that the daemon runs on. */
  inside(...command: string[]): string[] {
    return ["nsenter", "--target", this.init, "--net", "--pid", "--mount", ...command];
  }

  /** Runs a command of this machine in the daemon's network, where containers can be reached by their addresses. */
  inNetwork(...command: string[]): string[] {
    return ["nsenter", "--target", this.init, "--net", ...command];
  }

  /** What is mounted where the daemon mounts things, a line each. */
  mounts(): string[] {
    return readFileSync(`/proc/${this.init}/mounts`, "utf8").trim().split("\n");
  }

  /** Brings images of the machine's own Docker here. */
  async load(images: string[]): Promise<void> {
    await $({ quiet: true, env: this.env })`docker --host ${hostDocker()} save ${images} | docker load`;
  }

  async restart(): Promise<void> {
    await this.stopDaemon("SIGTERM");
    await this.startDaemon();
  }

  /** Ends the daemon without warning; `startDaemon` starts it again on the same data. */
  async kill(): Promise<void> {
    await this.stopDaemon("SIGKILL");
  }

  /** Leaves nothing: with its first process gone, the kernel ends everything in the namespaces. */
  async stop(): Promise<void> {
    await this.stopDaemon("SIGKILL");
    this.keeper?.kill("SIGKILL");
    if (this.init)
      await $({
        nothrow: true,
        quiet: true,
      })`kill -9 ${this.init}; while kill -0 ${this.init}; do sleep 0.1; done`;
    const groups = `find /sys/fs/cgroup -depth -type d -path ${`*/${this.cgroup}*`} -exec rmdir {} +`;
    await $({ nothrow: true, quiet: true })`sh -c ${groups}`;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async startDaemon(): Promise<void> {
    const at = (name: string) => join(this.folder, name);
    const logPath = at("dockerd.log");
    const log = openSync(logPath, "a");
    const before = statSync(logPath).size;
    const options = [
      `--host=unix://${this.socket}`,
      `--data-root=${at("data")}`,
      `--exec-root=${at("exec")}`,
      `--pidfile=${at("docker.pid")}`,
      `--config-file=${at("daemon.json")}`,
      `--cgroup-parent=/${this.cgroup}`,
      "--exec-opt=native.cgroupdriver=cgroupfs",
    ];
    const [program = "", ...rest] = this.inside("dockerd", ...options);
    this.daemon = spawn(program, rest, { stdio: ["ignore", log, log] });
    for (const deadline = Date.now() + 30_000; ; await new Promise((wake) => setTimeout(wake, 100))) {
      const answer = await $({ nothrow: true, quiet: true, env: this.env })`docker version`;
      if (answer.exitCode === 0) return;
      if (!hasEnded(this.daemon) && Date.now() < deadline) continue;
      throw new DaemonError(readFileSync(logPath).subarray(before).toString());
    }
  }

  /** Takes the daemon's list of networks away; at its next start it makes the standard ones anew. */
  forgetNetworks(): void {
    rmSync(join(this.folder, "data", "network", "files"), { recursive: true, force: true });
  }

  private async stopDaemon(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const pidFile = join(this.folder, "docker.pid");
    // One that was killed leaves its file.
    if (!this.daemon || hasEnded(this.daemon) || !existsSync(pidFile)) return;
    const ended = new Promise((end) => this.daemon?.once("exit", end));
    // nsenter waits for dockerd, but passes no signal on; the file has the process's number in there.
    await $({
      nothrow: true,
      quiet: true,
    })`${this.inside("kill", `-${signal.slice(3)}`, readFileSync(pidFile, "utf8").trim())}`;
    await ended;
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Folders of processes that were killed. */
function removeForgotten(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = /^stackline-daemon-(\d+)-/.exec(name)?.[1];
    if (owner && !existsSync(`/proc/${owner}`))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function hostDocker(): string {
  return process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
}
