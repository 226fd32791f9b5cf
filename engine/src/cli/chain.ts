import type { TypeDefValue } from "../api/types.ts";
import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Engine } from "../engine.ts";
import { select } from "../session/select.ts";
import type { EnvFile } from "./dotenv.ts";
import type { Options } from "./options.ts";
import { checkOutput } from "./output.ts";
import { type Level, planChain } from "./plan.ts";
import { parseArgument } from "./values.ts";

/** The result of a chain of functions. */
export interface Chain {
  options: Options;
  /** The result of the last function: a recipe or a value. */
  result: unknown;
  type: TypeDefValue;
  /** The help text, if it was requested. */
  help?: string;
}

/** Selects each function of a chain in the API, once the whole line and its output path are known to be right. */
export async function runChain(
  engine: Engine,
  words: string[],
  given: Options,
  envFiles: EnvFile[],
): Promise<Chain> {
  const { levels, ...plan } = planChain(engine, words, given, envFiles);
  if (plan.help !== undefined) return { ...plan, result: undefined };
  checkOutput(engine, plan.type, plan.options.output);
  let result: unknown;
  for (const [nth, level] of levels.entries()) {
    const { fn } = level;
    const before = levels[nth - 1];
    if (before && !(result instanceof Call))
      throw new UserError(`${before.usage}: ${before.fn.command} returned nothing to call ${fn.command} on`);
    result = await select(
      engine.caller,
      result as Call | undefined,
      fn.name,
      await argumentValues(engine, level),
    );
  }
  return { ...plan, result };
}

async function argumentValues(
  engine: Engine,
  { fn, given, defaults }: Level,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const arg of fn.args) {
    const texts = given.get(arg.flag);
    const fallback = defaults.get(arg.flag);
    if (texts)
      values[arg.name] = await parseArgument(engine, arg, texts, {
        label: `--${arg.flag}`,
        folder: engine.session.workdir,
      });
    else if (fallback) values[arg.name] = await parseArgument(engine, arg, [fallback.text], fallback);
  }
  return values;
}
