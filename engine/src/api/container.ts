import { UserError } from "../core/errors.ts";
import type { ContainerState, ServiceValue } from "../core/values.ts";
import { execInContainer, outcomeOf, outcomeText } from "../docker/exec.ts";
import { openTerminal } from "../docker/terminal.ts";
import type { Args, Evaluator, SessionContext } from "../session/context.ts";
import { containerConfig, expandVariables } from "./container-config.ts";
import { containerFiles } from "./container-files.ts";
import { containerImage } from "./container-image.ts";
import { containerMounts } from "./container-mounts.ts";
import { containerRead } from "./container-read.ts";
import { refuseNesting } from "./nesting.ts";
import { upService } from "./service.ts";

/** The command line: the given arguments, else the default ones, after the entry point if requested. */
function commandOf(state: ContainerState, args: Args): string[] {
  const given: string[] = args.expand
    ? args.args.map((word: string) => expandVariables(state, word))
    : args.args;
  const words = given.length > 0 ? given : state.args;
  return args.useEntrypoint ? [...state.entrypoint, ...words] : words;
}

async function withExec(state: ContainerState, args: Args, session: SessionContext): Promise<ContainerState> {
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
  return (state: ContainerState, _args, session) => outcomeText(session.store, state, stream);
}

function asService(state: ContainerState, args: Args): ServiceValue {
  refuseNesting(args);
  const useEntrypoint = args.useEntrypoint || (args.args.length === 0 && !state.ownArgs);
  const command = commandOf(state, { ...args, useEntrypoint });
  if (command.length === 0)
    throw new UserError("asService: the container has no command; give args, or an entry point");
  return { container: state, command, privileged: args.insecureRootCapabilities, noInit: args.noInit };
}

async function terminal(state: ContainerState, args: Args, session: SessionContext): Promise<ContainerState> {
  refuseNesting(args);
  const { args: command = [], privileged = false } = state.terminal ?? {};
  await openTerminal(session, state, {
    command: args.cmd.length > 0 ? args.cmd : command,
    privileged: args.insecureRootCapabilities || privileged,
  });
  return state;
}

/** A changed container is no longer the image that it came from. */
function withoutReference(fields: Record<string, Evaluator>): Record<string, Evaluator> {
  const changing = (evaluate: Evaluator): Evaluator => {
    return async (...context) => {
      const { imageRef: _, ...state } = (await evaluate(...context)) as ContainerState;
      return state;
    };
  };
  return Object.fromEntries(
    Object.entries(fields).map(([name, evaluate]) => [
      name,
      name.startsWith("with") && !KEEPING.test(name) ? changing(evaluate) : evaluate,
    ]),
  );
}

/** What changes nothing of the image. */
const KEEPING = /^with(out)?(RegistryAuth|ServiceBinding|Error)$/;

export const container: Record<string, Evaluator> = withoutReference({
  ...containerConfig,
  ...containerFiles,
  ...containerImage,
  ...containerMounts,
  ...containerRead,
  withExec,
  stdout: outputField("stdout"),
  stderr: outputField("stderr"),
  combinedOutput: outputField("combined"),
  exitCode: (state: ContainerState) => outcomeOf(state).exitCode,
  asService,
  terminal,
  up: (state: ContainerState, args, session) => upService(asService(state, args), args, session),
});
