import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Client, connect } from "@dagger.io/dagger";
import Docker from "dockerode";
import { Engine } from "../src/engine.ts";
import type { ProgressView, StepEvent } from "../src/session/progress.ts";

import { removeStepImages } from "./images-made.ts";

export { temporaryFolder } from "./folder.ts";

/** A small image that is available wherever the embedded engine runs: pulled, or assembled as a stand-in. */
export const IMAGE = "debian:bookworm-slim";

/** For tests that need more than a shell. */
export const python = "python:3.8.5-slim-buster";

export const docker = new Docker();

/** Records the steps and output of a run. */
export class RecordingView implements ProgressView {
  readonly events: StepEvent[] = [];
  readonly lines: string[] = [];

  step(event: StepEvent): void {
    this.events.push({ ...event });
  }

  output(_event: StepEvent, line: string): void {
    if (this.lines.length < 10_000) this.lines.push(line);
  }

  note(line: string): void {
    this.lines.push(line);
  }

  suspend(): void {}

  close(): void {}

  /** Names of the steps in this state, in order. */
  named(state: StepEvent["state"]): string[] {
    return this.events.filter((event) => event.state === state).map(({ name }) => name);
  }
}

export interface TestRun {
  client: Client;
  engine: Engine;
  view: RecordingView;
}

export interface RunOptions {
  storePath: string;
  workdir?: string;
  /** Whether the run needs containers; true by default. */
  withDocker?: boolean;
}

const stores = new Set<string>();

if (process.env.VITEST) {
  (await import("vitest")).afterAll(async () => {
    for (const path of stores) await removeStepImages(docker, path);
  });
}

/** Runs `use` with the unmodified SDK's client, connected to a new session. */
export async function withSession<T>(
  { withDocker = true, ...options }: RunOptions,
  use: (run: TestRun) => Promise<T>,
): Promise<T> {
  if (withDocker) stores.add(options.storePath);
  const view = new RecordingView();
  const engine = new Engine({ view, ...options });
  await engine.start(withDocker);
  process.env.DAGGER_SESSION_PORT = String(engine.server.port);
  process.env.DAGGER_SESSION_TOKEN = engine.server.issueToken();
  try {
    let result: T | undefined;
    await connect(async (client) => {
      result = await use({ client, engine, view });
    });
    return result as T;
  } finally {
    await engine.close();
  }
}

/** Sends a query directly, for requests that no SDK sends. */
export async function post(
  engine: Engine,
  request: string | { query: string; operationName: string | null; variables?: Record<string, unknown> },
  token = engine.server.issueToken(),
): Promise<Response> {
  return fetch(`http://127.0.0.1:${engine.server.port}/query`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${token}:`).toString("base64")}` },
    body: JSON.stringify(typeof request === "string" ? { query: request } : request),
  });
}

/** Containers, networks and volumes of one session, or of all sessions on this Docker. */
export async function leftovers(sessionId?: string): Promise<string[]> {
  const label = sessionId ? `dev.stackline.session=${sessionId}` : "dev.stackline.session";
  const filters = { label: [label] };
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters: { name: [`stackline_${sessionId ?? ""}`] } }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names }) => Names[0] ?? ""),
    ...networks.map(({ Name }) => Name),
    ...(volumes.Volumes ?? []).map(({ Name }) => Name),
  ];
}

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

/** Starts an engine in a separate process (child.ts), which runs one step that ends with `echo WORD`. */
export function startProcess(storePath: string, word: string, seconds = 1): ChildProcess {
  // The process is not part of the test run.
  const { VITEST: _, ...env } = process.env;
  return spawn(process.execPath, ["--import", "tsx", CHILD, storePath, word, String(seconds)], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
}

export async function runProcess(storePath: string, word: string): Promise<{ output: string }> {
  const child = startProcess(storePath, word);
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return { output };
}
