import { resolve } from "node:path";
import type { Command } from "./cli/command.ts";
import { commandHelp, commands } from "./cli/commands.ts";
import { Ending } from "./cli/ending.ts";
import { describeFailure } from "./cli/failure.ts";
import { parseLevel } from "./cli/flags.ts";
import { applyOptions, defaults, type Options, optionFlags, scanOptions } from "./cli/options.ts";
import { suggestion } from "./cli/suggest.ts";
import { chooseView } from "./cli/views.ts";
import { UserError } from "./core/errors.ts";
import { Engine } from "./engine.ts";

const ending = new Ending();

/** Runs one command line; returns the exit code. */
async function main(words: string[]): Promise<number> {
  const { rest } = parseLevel(words, optionFlags);
  const [name, ...args] = rest;
  if (name === undefined || name === "help") {
    ending.write(commandHelp());
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
    ending.write(`${command.description}\n\nUSAGE\n  dagger ${command.usage}\n`);
    return 0;
  }
  const { list, results, maxSize, workdir } = applyOptions(defaults, parsed);
  return execute(command, parsed.rest, { ...scanned, list, results, maxSize, workdir });
}

async function execute(command: Command, words: string[], options: Options): Promise<number> {
  const view = chooseView(options, process.stderr);
  const { workdir } = options;
  const engine = new Engine({ view, ...(workdir && { workdir: resolve(workdir) }) });
  const { progress } = engine.session;
  const finish = (succeeded: boolean): void => {
    if (options.quiet === 0) progress.summarise(succeeded);
    progress.end();
  };
  const isSession = command.name === "session";
  // An SDK ends its session with a signal, which is not a failure.
  if (isSession) ending.instead(engine.session.interrupt);
  ending.before(async (line) => {
    progress.end();
    if (line) process.stderr.write(`${line}\n`);
    await engine.close();
  });
  try {
    await engine.start(command.needsDocker && !options.help);
    const out = (text: string): void => {
      if (!isSession) view.close();
      ending.write(text);
    };
    const tell = (text: string): void => {
      view.close();
      process.stderr.write(text);
    };
    const code = await command.run({ engine, options, words, out, tell });
    finish(code === 0);
    return code;
  } catch (error) {
    if (ending.code === undefined) {
      // What still runs reports nothing more: the cause is the last line.
      finish(false);
      process.stderr.write(`${describeFailure(error, options.verbose > 1)}\n`);
    }
    return 1;
  } finally {
    progress.end();
    await engine.close();
  }
}

const code = await main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${describeFailure(error, false)}\n`);
  return 1;
});
await ending.settle();
process.exit(ending.code ?? code);
