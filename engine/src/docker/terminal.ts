import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import type { ContainerState, ServiceValue } from "../core/values.ts";
import { withRoomForLayers } from "./bake.ts";
import { prepareContainer } from "./create.ts";
import { startContainer } from "./process.ts";
import type { Mounting, Run, Screen } from "./run.ts";

export interface TerminalOptions {
  /** `sh` if it is empty. */
  command: string[];
  privileged: boolean;
}

type Opening = Mounting & Pick<Run, "services" | "terminal" | "work">;

/** A prompt that tells this shell from the user's own, and the kind of the user's terminal. */
function variables(): [name: string, value: string][] {
  return [
    ["PS1", "dagger $(pwd) $ "],
    ["TERM", process.env.TERM ?? "xterm"],
  ];
}

const commandOf = (command: string[]): string[] => (command.length > 0 ? command : ["sh"]);

/** Runs a command at the user's terminal, in a container made from a state, until it ends. Nothing of it is kept. */
export async function openTerminal(
  run: Opening,
  given: ContainerState,
  { command, privileged }: TerminalOptions,
): Promise<void> {
  run.terminal.require();
  const state = await withRoomForLayers(run, given);
  const env = [...state.env.filter(([name]) => name !== "PS1" && name !== "TERM"), ...variables()];
  await run.services.withBindings(state, async (bindings) => {
    const prepared = await prepareContainer(
      run,
      { ...state, env },
      {
        command: commandOf(command),
        privileged,
        noInit: false,
        stdin: true,
        tty: true,
        ...bindings,
      },
    );
    try {
      await run.terminal.use((screen) => attach(prepared.container, screen));
    } finally {
      run.work.background(prepared.dispose());
    }
  });
}

async function attach(container: Docker.Container, screen: Screen): Promise<void> {
  const stream = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    stderr: true,
    hijack: true,
  });
  const ended = new Promise((resolve) =>
    stream.once("end", resolve).once("error", resolve).once("close", resolve),
  );
  screen.connect(stream as unknown as Duplex);
  const failure = await startContainer(container);
  if (failure) throw new UserError(`terminal: ${failure.message.toString().trim()}`);
  screen.onSize((size) => void resizePatiently(() => container.resize(size)));
  await ended;
}

/** How often Docker is asked for a size: it refuses while the process is being started. */
const MOST_TRIES = 10;

async function resizePatiently(resize: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const done = await resize().then(
      () => true,
      () => false,
    );
    if (done) return;
    await sleep(tries * 20);
  }
}

/** Runs a command at the user's terminal in the container of a service, which is started if it does not run yet. */
export async function openTerminalIn(
  run: Pick<Run, "services" | "terminal">,
  service: ServiceValue,
  command: string[],
): Promise<void> {
  run.terminal.require();
  const { running, release } = await run.services.acquire(service);
  try {
    const { container } = running;
    if (!container) throw new UserError("the service does not support terminal: it has no container");
    const env = variables().map(([name, value]) => `${name}=${value}`);
    const exec = await container.exec({
      Cmd: commandOf(command),
      Env: env,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
    });
    await run.terminal.use(async (screen) => {
      const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
      const ended = new Promise((resolve) =>
        stream.once("end", resolve).once("error", resolve).once("close", resolve),
      );
      screen.connect(stream);
      screen.onSize((size) => void resizePatiently(() => exec.resize(size)));
      await ended;
    });
  } finally {
    release();
  }
}
