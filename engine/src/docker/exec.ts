import { ExecError, UserError } from "../core/errors.ts";
import { containerKey } from "../core/keys.ts";
import type { ContainerState, ExecOutcome, Mount } from "../core/values.ts";
import { SizeError } from "../store/errors.ts";
import type { Store } from "../store/store.ts";
import { digestOf } from "../store/store.ts";
import { Tree } from "../store/tree.ts";
import { withRoomForLayers } from "./bake.ts";
import { prepareContainer } from "./create.ts";
import type { ExecOptions } from "./exec-options.ts";
import { imageId } from "./image-id.ts";
import { type MountsAfter, readMounts } from "./mounts.ts";
import { runProcess } from "./process.ts";
import { commitContainer, writeRedirects } from "./result.ts";
import type { Mounting, Run } from "./run.ts";

type Executing = Mounting & Pick<Run, "progress" | "limit" | "services">;

/** The cached result of an exec: enough to continue from it without running it again. */
interface ExecRecord {
  image: string;
  layers: number;
  imageEnv: string[];
  outcome: ExecOutcome;
  mounts: MountsAfter;
}

/**
 * Runs a command in a container and returns the state after it. With the same inputs, the result comes from the cache.
 * @throws ExecError when the exit code is not one that `expect` allows.
 */
export async function execInContainer(
  run: Executing,
  state: ContainerState,
  options: ExecOptions,
): Promise<ContainerState> {
  const key = digestOf("exec", containerKey(state), options);
  const record = await run.work.once(`exec ${key}`, () =>
    run.progress.step(describe(options.command), async (step) => {
      const cached = run.store.getResult<ExecRecord>("execs", key);
      if (cached && (await isUsable(run, cached))) {
        step.cached();
        return cached;
      }
      const made = await runExec(run, state, options, step.log);
      await run.store.putResult("execs", key, made);
      return made;
    }),
  );
  return stateAfter(state, record);
}

function describe(command: string[]): string {
  const words = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)));
  return `exec ${words.join(" ")}`.slice(0, 200);
}

/** The image or the files may have been removed. */
async function isUsable(
  run: Pick<Run, "docker" | "store">,
  { image, outcome }: ExecRecord,
): Promise<boolean> {
  const { stdout, stderr, combined } = outcome;
  return (
    [stdout, stderr, combined].every((blob) => run.store.hasBlob(blob)) &&
    (await imageId(run.docker, image)) !== undefined
  );
}

function stateAfter(before: ContainerState, record: ExecRecord): ContainerState {
  const mounts = before.mounts.map((mount): Mount => {
    const after = record.mounts[mount.path];
    if (after?.tree) return { ...mount, tree: Tree.fromJSON(after.tree) };
    return after?.entry ? { ...mount, entry: after.entry } : mount;
  });
  const { image, layers, imageEnv, outcome } = record;
  return { ...before, image, layers, imageEnv, overlays: [], mounts, exec: outcome };
}

async function runExec(
  run: Executing,
  given: ContainerState,
  options: ExecOptions,
  log: (text: string) => void,
): Promise<ExecRecord> {
  const state = await withRoomForLayers(run, given);
  const secrets = await run.secrets.plaintextsOf(state);
  // Services start outside the limit: a step that waits for a service must not block other steps.
  return run.services.withBindings(state, (bindings) =>
    run.limit(async () => {
      const prepared = await prepareContainer(run, state, {
        ...options,
        ...bindings,
        stdin: options.stdin !== "" || options.redirectStdin !== "",
      });
      try {
        const { container, mounts } = prepared;
        const watched = bindings.watch(() => container.kill().catch(() => undefined));
        const ran = await runProcess(run, state, container, options, secrets, log);
        watched.check();
        requireExpected(run.store, options, ran);
        await writeRedirects(run.store, state, container, options, ran);
        return {
          ...(await commitContainer(run, state, container)),
          outcome: ran,
          mounts: await readMounts(run.store, container, mounts),
        };
      } finally {
        // No caller waits for the removal.
        run.work.background(prepared.dispose());
      }
    }),
  );
}

/** Whether `expect` allows an exit code; 128 to 191 mean a signal, which is never expected. */
function isExpected(exitCode: number, expect: ExecOptions["expect"]): boolean {
  const ended = exitCode < 128 || exitCode > 191;
  return expect === "SUCCESS" ? exitCode === 0 : ended && (expect === "ANY" || exitCode !== 0);
}

/** Bytes of each stream in an error, as in the official engine. */
const ERROR_OUTPUT = 100 * 1024;

function requireExpected(store: Store, { command, expect }: ExecOptions, ran: ExecOutcome): void {
  if (isExpected(ran.exitCode, expect)) return;
  const read = (blob: string): string => {
    const { text, omitted } = store.readBlobTail(blob, ERROR_OUTPUT);
    const mark = `[omitting ${omitted} bytes]...`;
    // The mark takes the place of the first bytes: it is part of the limit.
    return (omitted > 0 ? mark + text.slice(mark.length) : text).trim();
  };
  throw new ExecError(command, ran.exitCode, read(ran.stdout), read(ran.stderr));
}

/**
 * Text of a finished exec's output.
 * @throws UserError for more than the API returns.
 */
export function outcomeText(
  store: Store,
  state: ContainerState,
  stream: "stdout" | "stderr" | "combined",
): string {
  try {
    return store.readBlobText(outcomeOf(state)[stream]);
  } catch (error) {
    if (!(error instanceof SizeError)) throw error;
    throw new UserError(
      `${stream === "combined" ? "combinedOutput" : stream}: ${error.message}: write the output to a file with redirectStdout`,
    );
  }
}

/** @throws UserError when nothing ran. */
export function outcomeOf(state: ContainerState): ExecOutcome {
  if (!state.exec) throw new UserError("no command has been set: call withExec first");
  return state.exec;
}
