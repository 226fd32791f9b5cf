import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { parse } from "yaml";
import { $ } from "zx";
import { buildOptions, compose1, provideImages } from "../../../tests/stack/tools.ts";
import { root } from "../module.ts";
import { type Case, type Figure, seconds } from "./figures.ts";

const IMAGE = "stackline-app:bench";
const PROJECT = "stackline-bench";
const PORT = 18_080;
const BARE_PORT = 18_081;
const CONNECTIONS = 16;
const DURATION = 8;
const bare = "gunicorn alone";

/** An override file for compose: the application a second time, started by gunicorn alone, with the same limits. */
function bareService(): string {
  const { services } = parse(readFileSync(join(root, "docker-compose.prod.yml"), "utf8"), { merge: true });
  const { mem_limit, cpus, pids_limit, networks: _, ...app } = services.app;
  const command = ["gunicorn", "devops_001.wsgi:application", "--bind", "0.0.0.0:8000", "--workers=4"];
  const ports = [`127.0.0.1:${BARE_PORT}:8000`];
  const networks = ["data", "outbound"];
  const service = { ...app, command, ports, networks, mem_limit, cpus, pids_limit, labels: {} };
  return JSON.stringify({ services: { bare: service } });
}

interface Served {
  requests: number;
  p99: number;
}

async function load(port: number, path: string, token: string): Promise<Served> {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}${path}`,
    connections: CONNECTIONS,
    duration: DURATION,
    headers: { host: "localhost", authorization: `Bearer ${token}` },
  });
  const failed = result.non2xx + result.errors;
  // Recycled gunicorn workers close their connections: a few requests fail, less than 0.1 %.
  if (failed > result.requests.total / 1000)
    throw new Error(`${failed} of ${result.requests.total} requests for ${path} on port ${port} failed`);
  return { requests: result.requests.average, p99: result.latency.p99 };
}

async function waitFor(port: number): Promise<void> {
  const answers = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${port}/healthz/ready`).catch(() => undefined))?.ok ?? false;
  const waited = await seconds(async () => {
    for (let tries = 0; tries < 300 && !(await answers()); tries++)
      await new Promise((wake) => setTimeout(wake, 500));
  });
  if (!(await answers())) throw new Error(`nothing answers on port ${port} after ${Math.round(waited)} s`);
}

/** Starts the production stack with the bare service beside it. Returns the token for /orders/, and a function to stop it. */
async function start(): Promise<{ token: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "stackline-serving-"));
  const secrets = join(folder, "secrets");
  const override = join(folder, "bare.json");
  const quiet = $({ quiet: true, cwd: root });
  await quiet`scripts/secrets ${secrets}`;
  await quiet({
    env: { ...process.env, DOCKER_BUILDKIT: "0" },
  })`docker build --quiet --tag ${IMAGE} ${buildOptions(root)}`;
  writeFileSync(override, bareService());
  const { command, env } = await compose1();
  const files = ["-p", PROJECT, "-f", join(root, "docker-compose.prod.yml"), "-f", override];
  const settings = { APP_IMAGE: IMAGE, SECRETS_DIR: secrets, HTTP_PORT: `${PORT}`, HTTPS_PORT: "18443" };
  const compose = (...args: string[]) =>
    quiet({ env: { ...env, ...settings } })`${[...command, ...files, ...args]}`;
  const stop = async (): Promise<void> => {
    await compose("down", "--volumes", "--timeout", "5");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await compose("up", "-d", "app", "nginx", "bare");
    await Promise.all([PORT, BARE_PORT].map(waitFor));
    return { token: readFileSync(join(secrets, "API_TOKEN"), "utf8"), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The path of the stylesheet of /checks. */
async function stylesheet(): Promise<string> {
  const page = await (await fetch(`http://127.0.0.1:${PORT}/checks/`)).text();
  const found = /<link[^>]*stylesheet[^>]*href="([^"]+)"/.exec(page)?.[1];
  if (!found) throw new Error("/checks/ names no stylesheet");
  return found;
}

const kinds = [
  { name: "static file", atLeast: 5 },
  { name: "page with database", atLeast: 0.9 },
  { name: "page without", atLeast: undefined },
];

export const serving: Figure = {
  key: "e",
  title: "Serving",
  how: `The production stack through nginx against \`gunicorn --workers=4\` alone, in a container of the same image under the same limits, on the same database. ${CONNECTIONS} connections for ${DURATION} s, from this machine; p99 is the latency that 99 % of the requests stay below.`,
  async run(rounds) {
    await provideImages();
    const requests = kinds.map(({ name, atLeast }): Case => {
      const goal = atLeast ? { goal: { of: "ratio" as const, atLeast } } : {};
      return { name, unit: "requests/s", ours: [], peers: { [bare]: [] }, ...goal };
    });
    const p99 = kinds.map(({ name }): Case => {
      return { name: `${name}, p99`, unit: "ms", ours: [], peers: { [bare]: [] } };
    });
    const { token, stop } = await start();
    try {
      const paths = [await stylesheet(), "/orders/", "/healthz/live"];
      for (const _ of rounds) {
        for (const [i, path] of paths.entries()) {
          const ours = await load(PORT, path, token);
          const peer = await load(BARE_PORT, path, token);
          requests[i]?.ours.push(ours.requests);
          p99[i]?.ours.push(ours.p99);
          requests[i]?.peers[bare]?.push(peer.requests);
          p99[i]?.peers[bare]?.push(peer.p99);
        }
      }
    } finally {
      await stop();
    }
    return [...requests, ...p99];
  },
};
