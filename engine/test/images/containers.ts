import { randomBytes } from "node:crypto";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { afterAll } from "vitest";
import { provideImage } from "../../src/images/index.ts";

export const docker = new Docker();

/** In ms. The time limits include assembling an image on two busy cores. */
export const MINUTES = 60_000;

/** Real containers on their own network, removed after the file's tests. */
export function containers() {
  const name = `stackline-test-${randomBytes(4).toString("hex")}`;
  const started: Docker.Container[] = [];
  const volumes: string[] = [];
  const network = docker.createNetwork({ Name: name });

  afterAll(async () => {
    await Promise.all(started.map((container) => container.remove({ force: true, v: true })));
    await Promise.all(volumes.map((volume) => docker.getVolume(volume).remove()));
    await (await network).remove();
  }, MINUTES);

  /** Starts `image`, reachable under `alias`. */
  async function start(image: string, alias: string, options: Start = {}): Promise<Docker.Container> {
    await provideImage(docker, image, () => {});
    await network;
    const container = await docker.createContainer({
      Image: image,
      Env: Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`),
      ...(options.command && { Cmd: options.command }),
      ...(options.user && { User: options.user }),
      HostConfig: { NetworkMode: name, Binds: options.binds ?? [] },
      NetworkingConfig: { EndpointsConfig: { [name]: { Aliases: [alias] } } },
    });
    started.push(container);
    await container.start();
    return container;
  }

  /** Creates a volume and returns its name. */
  async function volume(): Promise<string> {
    const created = await docker.createVolume({ Name: `${name}-${volumes.length}` });
    volumes.push(created.name);
    return created.name;
  }

  return { start, volume };
}

export interface Start {
  env?: Record<string, string>;
  command?: string[];
  user?: string;
  binds?: string[];
}

/** Runs a command in a running container; `code` is its exit code, `output` has both streams. */
export async function exec(container: Docker.Container, command: string[], env: Record<string, string> = {}) {
  const run = await container.exec({
    Cmd: command,
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    AttachStdout: true,
    AttachStderr: true,
  });
  const output = await collect(await run.start({}));
  return { code: (await run.inspect()).ExitCode, output };
}

/** A container's exit code and everything that it printed. */
export async function outcome(container: Docker.Container): Promise<{ code: number; output: string }> {
  const { StatusCode: code } = (await container.wait()) as { StatusCode: number };
  const log = await container.logs({ stdout: true, stderr: true, follow: true });
  return { code, output: await collect(log) };
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  const both = new PassThrough();
  docker.modem.demuxStream(stream, both, both);
  stream.on("end", () => both.end());
  return text(both);
}

/** Retries the command until it succeeds, for at most 2 min. */
export async function eventually(
  container: Docker.Container,
  command: string[],
  env?: Record<string, string>,
) {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const result = await exec(container, command, env);
    if (result.code === 0) return result.output;
    if (Date.now() > deadline) throw new Error(`${command.join(" ")}: ${result.output}`);
    await sleep(200);
  }
}
