import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect } from "@dagger.io/dagger";
import Docker from "dockerode";
import { Engine } from "../src/engine.ts";
import type { ProgressView, StepEvent } from "../src/session/progress.ts";

/** Small, and at hand wherever the embedded engine runs: pulled, or assembled. */
export const IMAGE = "debian:bookworm-slim";

export const docker = new Docker();

/** Remembers what a run did. */
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

  close(): void {}

  /** Names of the steps that ended so, in order. */
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
}

/** A folder that is gone when the test process ends. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "stackline-test-"));
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs `use` with the unmodified SDK's client, connected to a session of its own. */
export async function withSession<T>(options: RunOptions, use: (run: TestRun) => Promise<T>): Promise<T> {
  const view = new RecordingView();
  const engine = new Engine({ view, ...options });
  await engine.start(true);
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

/** Asks a session directly, for what no SDK would send. */
export async function post(
  engine: Engine,
  query: string,
  token = engine.server.issueToken(),
): Promise<Response> {
  return fetch(`http://127.0.0.1:${engine.server.port}/query`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${token}:`).toString("base64")}` },
    body: JSON.stringify({ query }),
  });
}

/** Containers, networks and volumes of sessions: of one, or of all that this process started. */
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
