import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { DaemonError, PrivateDaemon } from "./daemon.ts";
import { temporaryFolder } from "./folder.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const PIPELINE = [here("../start.mjs"), "engine", "run", "--", process.execPath, here("./soak-client.mjs")];

export interface SoakResult {
  runs: number;
  killed: { engine: number; dockerd: number };
  /** How often a killed dockerd had lost its network database and could not start. */
  lostNetworks: number;
  /** Each problem with its run; empty if every run succeeded. */
  problems: string[];
}

/**
 * Kills the engine or its dockerd repeatedly at a random moment and checks the next run: its result must be correct,
 * and nothing of the killed run may be left. Both runs share one store.
 */
export async function soak(runs: number, report: (line: string) => void): Promise<SoakResult> {
  const daemon = new PrivateDaemon();
  const result: SoakResult = { runs, killed: { engine: 0, dockerd: 0 }, lostNetworks: 0, problems: [] };
  const storePath = temporaryFolder();
  await daemon.start();
  try {
    await daemon.load(["debian:bookworm-slim"]);
    const started = Date.now();
    const first = await finish(start(daemon, storePath, "first"));
    if (first.output !== expected("first")) throw new Error(`the first run failed: ${first.errors}`);
    const longest = Date.now() - started;
    const clean = mounts(daemon);
    const pids = new Set<number | undefined>();
    for (let run = 1; run <= runs; run++) {
      const word = `word-${run}`;
      const victim = Math.random() < 0.6 ? "engine" : "dockerd";
      const delay = Math.round(Math.random() * longest);
      const child = start(daemon, storePath, word);
      pids.add(child.pid);
      const how = await killed(daemon, child, victim, delay);
      result.killed[victim]++;
      if (how.lostNetworks) {
        result.lostNetworks++;
        report(`run ${run}: dockerd, killed after ${delay} ms, had lost its network database`);
      }
      const { output, errors } = await finish(start(daemon, storePath, word));
      const problems = [
        ...(output === expected(word) ? [] : [`printed ${JSON.stringify(output)} ${errors}`]),
        ...how.problems,
        ...(await left(daemon, storePath, pids)),
        ...broken(storePath),
        ...(mounts(daemon) <= clean ? [] : [`${mounts(daemon)} mounts where ${clean} were`]),
      ].map((problem) => `run ${run}, ${victim} killed after ${delay} ms: ${problem}`);
      result.problems.push(...problems);
      report(
        problems.length > 0 ? problems.join("\n") : `run ${run}: ${victim} killed after ${delay} ms, correct`,
      );
    }
  } finally {
    await daemon.stop();
  }
  return result;
}

/** Runs the chain on the private daemon, in that daemon's network namespace, where the services are reachable. */
function start(daemon: PrivateDaemon, storePath: string, word: string): ChildProcess {
  const [program = "", ...words] = daemon.inNetwork(process.execPath, ...PIPELINE, word);
  const env = { ...daemon.env, STACKLINE_CACHE: storePath };
  return spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], env });
}

async function finish(child: ChildProcess): Promise<{ output: string; errors: string }> {
  const said = { output: "", errors: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said.output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said.errors += text;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return said;
}

/** Kills the victim during the run, and returns what was wrong with the run's reaction. */
async function killed(
  daemon: PrivateDaemon,
  child: ChildProcess,
  victim: "engine" | "dockerd",
  delay: number,
): Promise<{ problems: string[]; lostNetworks?: boolean }> {
  const end = finish(child);
  await sleep(delay);
  if (victim === "engine") {
    child.kill("SIGKILL");
    await end;
    return { problems: [] };
  }
  await daemon.kill();
  const ended = await Promise.race([end, sleep(30_000).then(() => undefined)]);
  const lostNetworks = await startAgain(daemon);
  if (!ended) {
    child.kill("SIGKILL");
    return { problems: ["the engine went on for 30 s without its Docker"], lostNetworks };
  }
  const told = /^(client|Error): .*(Docker does not answer|exited while it was in use)/m.test(ended.errors);
  const problems = child.exitCode === 0 || told ? [] : [`no clear error: ${ended.errors}`];
  return { problems, lostNetworks };
}

/**
 * Restarts a killed dockerd; returns whether it had lost its network database. That is a bug of Docker that no client can
 * prevent: the test then checks the next run on a dockerd that knows its containers, but not their networks.
 */
async function startAgain(daemon: PrivateDaemon): Promise<boolean> {
  try {
    await daemon.startDaemon();
    return false;
  } catch (error) {
    if (!(error instanceof DaemonError && error.lostNetworks)) throw error;
    daemon.forgetNetworks();
    await daemon.startDaemon();
    return true;
  }
}

/** The chain's expected output. */
function expected(word: string): string {
  const numbers = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join("");
  const image = `${numbers}${word}${word}`;
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  return `${hash(numbers + image)} ${hash(image)} ${word}\n`;
}

/** Leftover containers, networks, volumes and temporary files, and secrets in memory of the engines with these PIDs. */
async function left(
  daemon: PrivateDaemon,
  storePath: string,
  pids: Set<number | undefined>,
): Promise<string[]> {
  const docker = new Docker({ socketPath: daemon.socket });
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks({ filters: { label: ["dev.stackline.session"] } }),
    docker.listVolumes({ filters: { label: ["dev.stackline.session"] } }),
  ]);
  // Other engines may be running, or were killed a moment ago.
  const secrets = readdirSync("/dev/shm").filter((name) =>
    pids.has(Number(/^stackline-(\d+)\./.exec(name)?.[1])),
  );
  return [
    ...containers.map(({ Names }) => `left the container ${Names[0]}`),
    ...networks.map(({ Name }) => `left the network ${Name}`),
    ...(Volumes ?? []).map(({ Name }) => `left the volume ${Name}`),
    ...secrets.map((name) => `left /dev/shm/${name}`),
    ...readdirSync(join(storePath, "tmp")).map((name) => `left tmp/${name} in the store`),
  ];
}

/** Results that cannot be parsed, and blobs whose content does not match their digest. */
function broken(storePath: string): string[] {
  const files = (folder: string): string[] =>
    readdirSync(join(storePath, folder), { recursive: true, withFileTypes: true })
      .filter((item) => item.isFile())
      .map((item) => join(item.parentPath, item.name));
  const results = files("results").filter((path) => {
    try {
      JSON.parse(readFileSync(path, "utf8"));
      return false;
    } catch {
      return true;
    }
  });
  const blobs = files("blobs").filter((path) => {
    const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
    return !path.replaceAll("/", "").endsWith(digest);
  });
  return [...results, ...blobs].map((path) => `${path} is half written`);
}

/**
 * The number of container mounts left in the daemon's namespace. Mounts of dockerd's own builder always stay if that
 * dockerd is killed, so they are not counted.
 */
function mounts(daemon: PrivateDaemon): number {
  return daemon.mounts().filter((line) => /\/overlay2\/[0-9a-f]{64}\/merged /.test(line)).length;
}
