import { posix } from "node:path";
import type { Readable } from "node:stream";
import { ExecError, UserError } from "../core/errors.ts";
import { type ContainerState, containerKey, type ExecOutcome, type Mount } from "../core/values.ts";
import type { Session } from "../session/session.ts";
import { unpackTree } from "../store/archive.ts";
import { scanHostFile } from "../store/host.ts";
import { digestOf } from "../store/store.ts";
import { type Entry, Tree } from "../store/tree.ts";
import { type Prepared, prepareContainer } from "./create.ts";
import { imageId } from "./images.ts";
import { captureOutput } from "./output.ts";

export interface ExecOptions {
  command: string[];
  stdin: string;
  expect: "SUCCESS" | "FAILURE" | "ANY";
  redirectStdout: string;
  redirectStderr: string;
  privileged: boolean;
  noInit: boolean;
}

/** What is kept of an exec: enough to go on from it without running it. */
interface ExecRecord {
  image: string;
  outcome: ExecOutcome;
  /** Content of mounted directories and files after the run, by mount path. */
  mounts: Record<string, { tree?: [string, Entry][]; entry?: Entry }>;
}

/**
 * Runs a command in a container and returns the state after it. What ran once under the same inputs is not run again.
 * @throws ExecError when it ends otherwise than `expect` says.
 */
export async function execInContainer(
  session: Session,
  state: ContainerState,
  options: ExecOptions,
): Promise<ContainerState> {
  const key = digestOf("exec", containerKey(state), options);
  return session.once(`exec ${key}`, () =>
    session.progress.step(describe(options.command), async (step) => {
      const kept = session.store.getResult<ExecRecord>("execs", key);
      if (kept && (await imageId(session.docker, kept.image))) {
        step.cached();
        return stateAfter(session, state, kept);
      }
      const record = await session.limit(() => runExec(session, state, options, step.log));
      await session.store.putResult("execs", key, record);
      return stateAfter(session, state, record);
    }),
  );
}

function describe(command: string[]): string {
  return `exec ${command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ")}`.slice(
    0,
    200,
  );
}

function stateAfter(_session: Session, before: ContainerState, record: ExecRecord): ContainerState {
  const mounts = before.mounts.map((mount): Mount => {
    const after = record.mounts[mount.path];
    if (after?.tree) return { ...mount, tree: Tree.fromJSON(after.tree) };
    return after?.entry ? { ...mount, entry: after.entry } : mount;
  });
  return { ...before, image: record.image, overlays: [], mounts, exec: record.outcome };
}

async function runExec(
  session: Session,
  state: ContainerState,
  options: ExecOptions,
  log: (text: string) => void,
): Promise<ExecRecord> {
  return session.services.withBindings(state, async (bindings) => {
    const prepared = await prepareContainer(session, state, {
      ...options,
      ...bindings,
      stdin: options.stdin !== "",
    });
    try {
      const secrets = await session.secrets.plaintextsOf(state);
      const outcome = await runProcess(session, prepared, options, secrets, log);
      return await keep(session, state, prepared, options, outcome);
    } finally {
      await prepared.dispose();
    }
  });
}

async function runProcess(
  session: Session,
  { container }: Prepared,
  options: ExecOptions,
  secrets: string[],
  log: (text: string) => void,
): Promise<{ exitCode: number; stdout: string; stderr: string; combined: string }> {
  const hasStdin = options.stdin !== "";
  const stream = await container.attach({
    stream: true,
    stdout: true,
    stderr: true,
    stdin: hasStdin,
    hijack: hasStdin,
  });
  const captured = captureOutput(session.docker, stream, secrets, log);
  await startContainer(container, options.command);
  if (hasStdin) stream.end(options.stdin);
  const { StatusCode: exitCode } = (await container.wait()) as { StatusCode: number };
  return { exitCode, ...(await captured) };
}

/** Starts a created container; a command that cannot be found ends as in a shell, with 127 or 126. */
export async function startContainer(container: Prepared["container"], command: string[]): Promise<void> {
  try {
    await container.start();
  } catch (error) {
    const message =
      (error as { json?: { message?: string }; message: string }).json?.message ?? (error as Error).message;
    if (/executable file not found|no such file or directory/.test(message)) {
      throw new ExecError(command, 127, "", `${message}\n`);
    }
    if (/permission denied/.test(message)) throw new ExecError(command, 126, "", `${message}\n`);
    throw error;
  }
}

async function keep(
  session: Session,
  state: ContainerState,
  prepared: Prepared,
  options: ExecOptions,
  ran: Awaited<ReturnType<typeof runProcess>>,
): Promise<ExecRecord> {
  const failed = ran.exitCode !== 0;
  if ((failed && options.expect === "SUCCESS") || (!failed && options.expect === "FAILURE")) {
    throw new ExecError(options.command, ran.exitCode, ran.stdout, ran.stderr);
  }
  for (const path of [options.redirectStdout, options.redirectStderr]) {
    if (path)
      await writeInto(
        session,
        state,
        prepared,
        path,
        path === options.redirectStdout ? ran.stdout : ran.stderr,
      );
  }
  const { Id } = (await prepared.container.commit({ pause: false })) as unknown as { Id: string };
  return {
    image: Id,
    outcome: {
      exitCode: ran.exitCode,
      stdout: (await session.store.putBlob(options.redirectStdout ? "" : ran.stdout)).digest,
      stderr: (await session.store.putBlob(options.redirectStderr ? "" : ran.stderr)).digest,
      combined: (await session.store.putBlob(ran.combined)).digest,
    },
    mounts: await readMounts(session, prepared),
  };
}

async function writeInto(
  session: Session,
  state: ContainerState,
  { container }: Prepared,
  path: string,
  text: string,
): Promise<void> {
  const { packTree } = await import("../store/archive.ts");
  const { digest, size } = await session.store.putBlob(text);
  const tree = Tree.empty.with(posix.resolve("/", state.workdir, path), {
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    blob: digest,
    size,
  });
  await container.putArchive(packTree(session.store, tree), { path: "/" });
}

async function readMounts(session: Session, prepared: Prepared): Promise<ExecRecord["mounts"]> {
  const result: ExecRecord["mounts"] = {};
  for (const { mount } of prepared.volumes) {
    if (mount.readOnly) continue;
    const archive = (await prepared.container.getArchive({ path: `${mount.path}/.` })) as unknown as Readable;
    result[mount.path] = { tree: (await unpackTree(session.store, archive)).toJSON() };
  }
  for (const { mount, path } of prepared.files) {
    if (mount.readOnly) continue;
    const { blob, size } = await scanHostFile(session.store, path);
    result[mount.path] = { entry: { ...(mount.entry as Entry), blob: blob as string, size: size as number } };
  }
  return result;
}

/** Text of a finished exec's output. */
export function outcomeText(
  session: Session,
  state: ContainerState,
  stream: "stdout" | "stderr" | "combined",
): string {
  if (!state.exec) throw new UserError("no command has been executed: call withExec first");
  return session.store.readBlobText(state.exec[stream]);
}
