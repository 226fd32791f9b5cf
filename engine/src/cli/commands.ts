import { spawn } from "node:child_process";
import { UserError } from "../core/errors.ts";
import type { Engine } from "../engine.ts";
import { select } from "../session/select.ts";
import { patternMatcher } from "../store/patterns.ts";
import { ENGINE_VERSION } from "../version.ts";
import { runChain } from "./chain.ts";
import { findEnvFiles } from "./dotenv.ts";
import { describeFailure } from "./failure.ts";
import type { Flag } from "./flags.ts";
import { firstLine, renderOptions, table } from "./help.ts";
import { functionsOf, kebabCase } from "./model.ts";
import type { Options } from "./options.ts";
import { printResult } from "./print.ts";
import { prune } from "./prune.ts";

/** What a command has to work with; `out` takes results, progress goes elsewhere. */
export interface Context {
  engine: Engine;
  options: Options;
  words: string[];
  out(text: string): void;
}

export interface Command {
  name: string;
  usage: string;
  description: string;
  needsDocker: boolean;
  /** Its own, beside the options that all take. */
  flags?: Flag[];
  /** @returns the exit code. */
  run(context: Context): Promise<number>;
}

async function call({ engine, options, words, out }: Context): Promise<number> {
  const module = await engine.loadModule(options.module);
  const envFiles = findEnvFiles(engine.session.workdir, module.config.root);
  const chain = await runChain(engine, words, options, envFiles);
  out(chain.help ?? (await printResult(engine, chain)));
  return 0;
}

async function functions({ engine, options, words, out }: Context): Promise<number> {
  const { types } = await engine.loadModule(options.module);
  let type = { ...types.main, kind: "OBJECT_KIND" };
  for (const word of words) {
    const found = functionsOf(engine, type).find((fn) => fn.command === word || fn.name === word);
    if (!found) throw new UserError(`no function ${JSON.stringify(word)} in type ${type.name}`);
    type = found.returns as typeof type;
  }
  const rows = functionsOf(engine, type).map((fn): [string, string] => [
    fn.command,
    firstLine(fn.description),
  ]);
  out(`${table([["Name", "Description"], ...rows], "")}\n`);
  return 0;
}

async function check({ engine, options, words, out }: Context): Promise<number> {
  const { types } = await engine.loadModule(options.module);
  const module = kebabCase(types.moduleName);
  const all = functionsOf(engine, { ...types.main, kind: "OBJECT_KIND" }).filter((fn) => fn.check);
  const name = (command: string): string => `${module}:${command}`;
  const chosen =
    words.length === 0
      ? all
      : all.filter((fn) => words.some((word) => matchesCheck(word, module, fn.command)));
  const unknown = words.find((word) => !all.some((fn) => matchesCheck(word, module, fn.command)));
  if (unknown !== undefined) throw new UserError(`no check matches ${JSON.stringify(unknown)}: see check -l`);
  if (options.list) {
    out(
      `${table([["Name", "Description"], ...all.map((fn): [string, string] => [name(fn.command), firstLine(fn.description)])], "")}\n`,
    );
    return 0;
  }
  const root = (await select(engine.caller, undefined, types.constructorField, {})) as never;
  const results = await Promise.allSettled(
    chosen.map((fn) => select(engine.caller, root, fn.name, {}).then((value) => settle(engine, value))),
  );
  const failures = results.flatMap((result, i) =>
    result.status === "rejected" ? [{ name: name(chosen[i]?.command ?? ""), reason: result.reason }] : [],
  );
  for (const { name, reason } of failures)
    out(`${name}\n${describeFailure(reason, options.verbose > 0)}\n\n`);
  out(
    `${chosen.map((fn, i) => `${results[i]?.status === "fulfilled" ? "✔" : "✘"} ${name(fn.command)}\n`).join("")}`,
  );
  if (failures.length > 0) out(`Error: ${failures.length} of ${chosen.length} checks failed\n`);
  return failures.length > 0 ? 1 : 0;
}

/** A check that returns an object has passed only when that could be worked out. */
async function settle(engine: Engine, value: unknown): Promise<void> {
  const { Call } = await import("../core/call.ts");
  if (value instanceof Call) await engine.session.evaluate(value);
}

function matchesCheck(pattern: string, module: string, command: string): boolean {
  const path = (text: string): string => text.replaceAll(":", "/");
  return [path(pattern), `${module}/${path(pattern)}`].some((text) =>
    patternMatcher([text])(`${module}/${command}`),
  );
}

async function run({ engine, words }: Context): Promise<number> {
  const [command, ...args] = words;
  if (!command)
    throw new UserError("run: give the command to run in a session, e.g. run -- node pipeline.mjs");
  const env = {
    ...process.env,
    DAGGER_SESSION_PORT: String(engine.server.port),
    DAGGER_SESSION_TOKEN: engine.server.issueToken(),
  };
  const child = spawn(command, args, { stdio: "inherit", env });
  return new Promise((resolve, reject) => {
    child.on("error", (error) =>
      reject(new UserError(`run: ${command} cannot be started: ${error.message}`)),
    );
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** What SDKs start: a session that lives until their end of the pipe is closed. */
async function session({ engine, out }: Context): Promise<number> {
  out(`${JSON.stringify({ port: engine.server.port, session_token: engine.server.issueToken() })}\n`);
  process.stdin.on("end", () => engine.session.interrupt()).on("error", () => engine.session.interrupt());
  process.stdin.resume();
  await engine.session.interrupted;
  return 0;
}

async function version({ out }: Context): Promise<number> {
  out(`stackline embedded engine, Dagger API ${ENGINE_VERSION}\n`);
  return 0;
}

export const commands: Command[] = [
  {
    name: "call",
    usage: "call [options] [arguments] <function> ...",
    description: "Call one or more functions of the module, one on the result of the other",
    needsDocker: true,
    run: call,
  },
  {
    name: "functions",
    usage: "functions [options] [function]...",
    description: "List the functions of the module, or of what a function returns",
    needsDocker: false,
    run: functions,
  },
  {
    name: "check",
    usage: "check [options] [pattern]...",
    flags: [{ name: "list", short: "l", boolean: true }],
    description: "Run the module's checks, side by side (-l lists them)",
    needsDocker: true,
    run: check,
  },
  {
    name: "run",
    usage: "run [options] -- <command>...",
    description: "Run a command in a session: SDK clients in it use this engine",
    needsDocker: true,
    run,
  },
  {
    name: "session",
    usage: "session",
    // Only the first means something here; SDKs pass all of them.
    flags: ["workdir", "project", "label", "version"]
      .map((name): Flag => ({ name, boolean: false }))
      .concat({ name: "load-workspace-modules", boolean: true }),
    description: "Serve an SDK until its end of standard input is closed",
    needsDocker: true,
    run: session,
  },
  {
    name: "prune",
    usage: "prune [--results | --max-size size]",
    flags: [
      { name: "results", boolean: true },
      { name: "max-size", boolean: false },
    ],
    description:
      "Forget what was kept: results alone, the oldest down to a size, or all with volumes and files",
    needsDocker: true,
    run: prune,
  },
  { name: "version", usage: "version", description: "Print the version", needsDocker: false, run: version },
];

export function commandHelp(): string {
  return `Stackline's embedded engine: Dagger modules without Dagger\n\nUSAGE\n  dagger [options] <command>\n\nCOMMANDS\n${table(commands.map(({ name, description }) => [name, description]))}\n\nOPTIONS\n${renderOptions()}\n`;
}
