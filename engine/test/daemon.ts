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

/** dockerd failed to start; its log contains the reason. */
export class DaemonError extends Error {
  /** Whether it crashed on its network database, which a killed dockerd can leave corrupt (moby/moby#45057). */
  readonly lostNetworks: boolean;

  constructor(log: string) {
    const panic = log.indexOf("panic: ");
    super(`dockerd did not start:\n${panic < 0 ? log.slice(-2000) : log.slice(panic, panic + 2000)}`);
    this.lostNetworks = panic >= 0 && log.includes("libnetwork", panic);
  }
}

/**
 * A Docker daemon for the tests, in its own network, process and mount namespaces: it can be restarted, and its stack can use
 * port 80, whatever else runs on this machine. Requires root. Has no access to external networks.
 */
export class PrivateDaemon {
  readonly folder = mkdtempSync(join(tmpdir(), `stackline-daemon-${process.pid}-`));
  readonly socket = join(this.folder, "docker.sock");
  readonly env = { ...process.env, DOCKER_HOST: `unix://${this.socket}` };
  private readonly cgroup = `stackline-test-${process.pid}`;
  private keeper?: ChildProcess;
  private init = "";
  private daemon?: ChildProcess;

  /** Creates the namespaces and starts the daemon in them. */
  async start(): Promise<void> {
    removeForgotten();
    // Ends with its standard input, hence with this process, and with it everything in the namespaces. The shell is their
    // init process and reaps orphans: dockerd would consider a zombie containerd alive.
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

  /** A command that runs in the daemon's namespaces, as on its own machine. */
  inside(...command: string[]): string[] {
    return ["nsenter", "--target", this.init, "--net", "--pid", "--mount", ...command];
  }

  /** A command of this machine that runs in the daemon's network, where containers are reachable by address. */
  inNetwork(...command: string[]): string[] {
    return ["nsenter", "--target", this.init, "--net", ...command];
  }

  /** The mounts in the daemon's mount namespace, one per line. */
  mounts(): string[] {
    return readFileSync(`/proc/${this.init}/mounts`, "utf8").trim().split("\n");
  }

  /** Copies images from the machine's Docker. */
  async load(images: string[]): Promise<void> {
    await $({ quiet: true, env: this.env })`docker --host ${hostDocker()} save ${images} | docker load`;
  }

  async restart(): Promise<void> {
    await this.stopDaemon("SIGTERM");
    await this.startDaemon();
  }

  /** Kills the daemon; `startDaemon` starts it again with the same data. */
  async kill(): Promise<void> {
    await this.stopDaemon("SIGKILL");
  }

  /** Removes everything: without their init process, the kernel kills all processes in the namespaces. */
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

  /** Removes the daemon's network database; its next start recreates the default networks. */
  forgetNetworks(): void {
    rmSync(join(this.folder, "data", "network", "files"), { recursive: true, force: true });
  }

  private async stopDaemon(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const pidFile = join(this.folder, "docker.pid");
    // A killed daemon leaves its pid file.
    if (!this.daemon || hasEnded(this.daemon) || !existsSync(pidFile)) return;
    const ended = new Promise((end) => this.daemon?.once("exit", end));
    // nsenter forwards no signals to dockerd; the file has its process id inside the namespace.
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

/** Folders left by killed processes. */
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
