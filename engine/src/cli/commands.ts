import { spawn } from "node:child_process";
import { UserError } from "../core/errors.ts";
import { ENGINE_VERSION } from "../version.ts";
import { runChain } from "./chain.ts";
import { applyChanges, changesOf } from "./changes.ts";
import { check } from "./check.ts";
import type { Command, Context } from "./command.ts";
import { findEnvFiles } from "./dotenv.ts";
import { codeOf } from "./ending.ts";
import type { Flag } from "./flags.ts";
import { firstLine, renderOptions, table } from "./help.ts";
import { functionsOf } from "./model.ts";
import { printResult } from "./print.ts";
import { prune } from "./prune.ts";
import { suggestion } from "./suggest.ts";

async function call(context: Context): Promise<number> {
  const { engine, options, words, out } = context;
  const module = await engine.loadModule(options.module);
  const envFiles = findEnvFiles(engine.session.workdir, module.config.root);
  const chain = await runChain(engine, words, options, envFiles);
  const changes = chain.help === undefined && chain.options.output === undefined && changesOf(chain);
  if (changes) await applyChanges(context, changes, chain.options.autoApply);
  else out(chain.help ?? (await printResult(engine, chain)));
  return 0;
}

async function functions({ engine, options, words, out }: Context): Promise<number> {
  const { types } = await engine.loadModule(options.module);
  let type = { ...types.main, kind: "OBJECT_KIND" };
  for (const word of words) {
    const offered = functionsOf(engine, type);
    const found = offered.find((fn) => fn.command === word || fn.name === word);
    if (!found) {
      const near = suggestion(
        word,
        offered.map(({ command }) => command),
      );
      throw new UserError(`no function ${JSON.stringify(word)} in type ${type.name}${near}`);
    }
    type = found.returns as typeof type;
  }
  const rows = functionsOf(engine, type).map((fn): [string, string] => [
    fn.command,
    firstLine(fn.description),
  ]);
  out(`${table([["Name", "Description"], ...rows], "")}\n`);
  return 0;
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
  // It ends with the session.
  engine.session.children.add(child);
  return new Promise((resolve, reject) => {
    child.on("error", (error) =>
      reject(new UserError(`run: ${command} cannot be started: ${error.message}`)),
    );
    child.on("close", (code, signal) => resolve(signal ? codeOf(signal) : (code ?? 1)));
  });
}

/** The command that SDKs start: a session that ends when they close its standard input. */
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
    description: "Call a function of the module, or a chain of functions",
    needsDocker: true,
    run: call,
  },
  {
    name: "functions",
    usage: "functions [options] [function]...",
    description: "List the functions of the module, or of a function's result",
    needsDocker: false,
    run: functions,
  },
  {
    name: "check",
    usage: "check [options] [pattern]...",
    flags: [{ name: "list", short: "l", boolean: true }],
    description: "Run the module's checks in parallel (-l lists them)",
    needsDocker: true,
    run: check,
  },
  {
    name: "run",
    usage: "run [options] -- <command>...",
    description: "Run a command whose SDK clients use this engine",
    needsDocker: true,
    run,
  },
  {
    name: "session",
    usage: "session",
    // Only the first has an effect here; SDKs pass all of them.
    flags: ["workdir", "project", "label", "version"]
      .map((name): Flag => ({ name, boolean: false }))
      .concat({ name: "load-workspace-modules", boolean: true }),
    description: "Serve an SDK until standard input closes",
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
    description: "Remove the cache, only its results, or the oldest down to a size",
    needsDocker: true,
    run: prune,
  },
  { name: "version", usage: "version", description: "Print the version", needsDocker: false, run: version },
];

export function commandHelp(): string {
  return `Stackline's embedded engine: Dagger modules without Dagger\n\nUSAGE\n  dagger [options] <command>\n\nCOMMANDS\n${table(commands.map(({ name, description }) => [name, description]))}\n\nOPTIONS\n${renderOptions()}\n`;
}
