import { resolve } from "node:path";
import { UserError } from "../core/errors.ts";
import type { ContainerState, FileValue, ServiceValue } from "../core/values.ts";
import { saveImage } from "../docker/bake.ts";
import { execInContainer, outcomeOf, outcomeText } from "../docker/exec.ts";
import { stateFromImage } from "../docker/images.ts";
import type { Args, Evaluator } from "../session/evaluate.ts";
import type { Session } from "../session/session.ts";
import { exportEntry } from "../store/host.ts";
import { newFile } from "../store/tree.ts";
import { containerConfig, expandVariables } from "./container-config.ts";
import { containerFiles } from "./container-files.ts";

/** The process that arguments mean: the default arguments when none are given, behind the entry point where asked for. */
function commandOf(state: ContainerState, args: Args): string[] {
  const given: string[] = args.expand
    ? args.args.map((word: string) => expandVariables(state, word))
    : args.args;
  const words = given.length > 0 ? given : state.args;
  return args.useEntrypoint ? [...state.entrypoint, ...words] : words;
}

function refuseNesting(args: Args): void {
  if (args.experimentalPrivilegedNesting) {
    throw new UserError(
      "experimentalPrivilegedNesting: the embedded engine does not have it; the official engine does (STACKLINE_ENGINE=dagger)",
    );
  }
}

async function withExec(state: ContainerState, args: Args, session: Session): Promise<ContainerState> {
  refuseNesting(args);
  const path = (text: string): string => (args.expand ? expandVariables(state, text) : text);
  return execInContainer(session, state, {
    command: commandOf(state, args),
    stdin: args.stdin,
    redirectStdin: path(args.redirectStdin),
    redirectStdout: path(args.redirectStdout),
    redirectStderr: path(args.redirectStderr),
    expect: args.expect,
    privileged: args.insecureRootCapabilities,
    noInit: args.noInit,
  });
}

function outputField(stream: "stdout" | "stderr" | "combined"): Evaluator {
  return (state: ContainerState, _args, session) => outcomeText(session, state, stream);
}

async function tarball(state: ContainerState, args: Args, session: Session): Promise<FileValue> {
  if (args.platformVariants.length > 0) {
    throw new UserError(
      "platformVariants: the embedded engine builds for its own platform alone; the official engine takes more",
    );
  }
  const { digest, size } = await saveImage(session, state);
  return { name: "image.tar", entry: newFile(digest, size) };
}

function asService(state: ContainerState, args: Args): ServiceValue {
  refuseNesting(args);
  const command =
    args.args.length > 0 || args.useEntrypoint
      ? commandOf(state, args)
      : [...state.entrypoint, ...state.args];
  if (command.length === 0)
    throw new UserError("asService: the container has no command; give args, or an entry point");
  return { container: state, command, privileged: args.insecureRootCapabilities, noInit: args.noInit };
}

export const container: Record<string, Evaluator> = {
  ...containerConfig,
  ...containerFiles,
  from: (state: ContainerState, { address }, session) => stateFromImage(session, state, address),
  withExec,
  stdout: outputField("stdout"),
  stderr: outputField("stderr"),
  combinedOutput: outputField("combined"),
  exitCode: (state: ContainerState) => outcomeOf(state).exitCode,
  asService,
  asTarball: tarball,
  export: async (state: ContainerState, args, session) => {
    const path = resolve(session.workdir, args.path);
    await exportEntry(session.store, (await tarball(state, args, session)).entry, path);
    return path;
  },
};
