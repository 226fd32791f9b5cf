import type Docker from "dockerode";
import { UserError } from "../core/errors.ts";
import type { ContainerState, ExecOutcome } from "../core/values.ts";
import { exitCodeOf } from "../images/exit-code.ts";
import { dockerMessage } from "./errors.ts";
import type { ExecOptions } from "./exec-options.ts";
import { followOutput, textSink } from "./output.ts";
import { absolutePath, mountAt } from "./paths.ts";
import { findPath } from "./read.ts";
import type { ImageReading, Run } from "./run.ts";

/** Runs a created container to its end and stores its output, without secrets. */
export async function runProcess(
  run: ImageReading & Pick<Run, "secrets">,
  state: ContainerState,
  container: Docker.Container,
  options: ExecOptions,
  secrets: readonly Buffer[],
  log: (text: string) => void,
): Promise<ExecOutcome> {
  const { redirectStdin, stdin } = options;
  const input = redirectStdin ? await readInput(run, state, redirectStdin) : stdin;
  const hasStdin = stdin !== "" || redirectStdin !== "";
  // Attached before the start, so that no output is lost.
  const attach = { stream: true, stdout: true, stderr: true, stdin: hasStdin, hijack: hasStdin };
  const stream = await container.attach(attach);
  const blobs = {
    stdout: run.store.openBlob(),
    stderr: run.store.openBlob(),
    combined: run.store.openBlob(),
  };
  const show = textSink(log);
  const ended = followOutput(stream, secrets, (name, bytes) => {
    blobs[name].write(bytes);
    blobs.combined.write(bytes);
    show(name, bytes);
  });
  try {
    const failure = await startContainer(container);
    if (failure) {
      stream.on("error", () => undefined);
      (stream as unknown as { destroy(): void }).destroy();
      blobs.stderr.write(failure.message);
      blobs.combined.write(failure.message);
    } else if (hasStdin) {
      stream.end(input);
    }
    const exitCode = failure?.exitCode ?? (await exitCodeOf(container));
    await ended;
    return {
      exitCode,
      stdout: blobs.stdout.finish().digest,
      stderr: blobs.stderr.finish().digest,
      combined: blobs.combined.finish().digest,
    };
  } catch (error) {
    for (const blob of Object.values(blobs)) blob.abort();
    throw error;
  }
}

async function readInput(
  run: ImageReading & Pick<Run, "secrets">,
  state: ContainerState,
  path: string,
): Promise<Buffer> {
  const absolute = absolutePath(state, path);
  const secret = mountAt(state, absolute)?.secret;
  if (secret) return run.secrets.plaintext(secret);
  const found = await findPath(run, state, absolute);
  if (!found || !("entry" in found) || !found.entry.blob)
    throw new UserError(`withExec: redirectStdin: ${path} is not a file in the container`);
  return Buffer.concat(await run.store.readBlob(found.entry.blob).toArray());
}

/** Starts a created container. A command that is not found or not executable exits with 127 or 126, as in a shell. */
export async function startContainer(
  container: Docker.Container,
): Promise<{ exitCode: number; message: Buffer } | undefined> {
  try {
    await container.start();
    return undefined;
  } catch (error) {
    const message = dockerMessage(error);
    const notFound = /executable file not found|no such file or directory/.test(message);
    if (!notFound && !/permission denied/.test(message)) throw error;
    return { exitCode: notFound ? 127 : 126, message: Buffer.from(`${message}\n`) };
  }
}
