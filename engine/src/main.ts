import { resolve } from "node:path";
import type { Command } from "./cli/command.ts";
import { commandHelp, commands } from "./cli/commands.ts";
import { describeFailure } from "./cli/failure.ts";
import { parseLevel } from "./cli/flags.ts";
import { applyOptions, defaults, type Options, optionFlags, scanOptions } from "./cli/options.ts";
import { suggestion } from "./cli/suggest.ts";
import { chooseView } from "./cli/views.ts";
import { UserError } from "./core/errors.ts";
import { Engine } from "./engine.ts";

/** Runs one command line; returns the exit code. */
async function main(words: string[]): Promise<number> {
  const { rest } = parseLevel(words, optionFlags);
  const [name, ...args] = rest;
  if (name === undefined || name === "help") {
    process.stdout.write(commandHelp());
    return 0;
  }
  const command = commands.find((item) => item.name === name);
  if (!command) {
    const near = suggestion(
      name,
      commands.map((item) => item.name),
    );
    throw new UserError(`unknown command ${JSON.stringify(name)} for "dagger"${near || ": see --help"}`);
  }
  // `call` reads its words level by level: each function has its own flags.
  return name === "call"
    ? execute(command, args, scanOptions(words))
    : executeParsed(command, args, scanOptions(words));
}

async function executeParsed(command: Command, args: string[], scanned: Options): Promise<number> {
  const parsed = parseLevel(args, [...optionFlags, ...(command.flags ?? [])]);
  if (scanned.help) {
    process.stdout.write(`${command.description}\n\nUSAGE\n  dagger ${command.usage}\n`);
    return 0;
  }
  const { list, results, maxSize, workdir } = applyOptions(defaults, parsed);
  return execute(command, parsed.rest, { ...scanned, list, results, maxSize, workdir });
}

async function execute(command: Command, words: string[], options: Options): Promise<number> {
  const view = chooseView(options, process.stderr);
  const { workdir } = options;
  const engine = new Engine({ view, ...(workdir && { workdir: resolve(workdir) }) });
  // An SDK ends its session with a signal, which is not a failure: the command then returns by itself.
  const restore = command.name === "session" ? interruptOnSignals(engine) : endOnSignals(engine);
  try {
    await engine.start(command.needsDocker && !options.help);
    const out = (text: string): void => {
      if (command.name !== "session") view.close();
      process.stdout.write(text);
    };
    const code = await command.run({ engine, options, words, out });
    summarise(engine, options);
    return code;
  } catch (error) {
    view.close();
    summarise(engine, options);
    process.stderr.write(`${describeFailure(error, options.verbose > 1)}\n`);
    return 1;
  } finally {
    view.close();
    restore();
    await engine.close();
  }
}

/** Prints the summary of the session, before an error message, which comes last. */
function summarise({ session: { progress } }: Engine, { quiet }: Options): void {
  if (quiet === 0 && progress.summary) progress.note(progress.summary);
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function interruptOnSignals(engine: Engine): () => void {
  return onSignals(() => engine.session.interrupt());
}

/** The first signal interrupts waiting and cleans up; a second one ends the process at once. */
function endOnSignals(engine: Engine): () => void {
  return onSignals((signal) => {
    engine.session.interrupt();
    void engine
      .close()
      .finally(() => process.exit(128 + (signal === "SIGINT" ? 2 : signal === "SIGTERM" ? 15 : 1)));
  });
}

function onSignals(end: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of signals) process.once(signal, end);
  return () => {
    for (const signal of signals) process.removeListener(signal, end);
  };
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${describeFailure(error, false)}\n`);
  return 1;
});
process.exit();
