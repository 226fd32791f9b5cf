import { Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Engine } from "../engine.ts";
import { select } from "../session/select.ts";
import { patternMatcher } from "../store/patterns.ts";
import type { Context } from "./command.ts";
import { describeFailure } from "./failure.ts";
import { firstLine, table } from "./help.ts";
import { functionsOf, kebabCase } from "./model.ts";

export async function check({ engine, options, words, out, tell }: Context): Promise<number> {
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
  // Beside the progress, as in the official CLI: standard output stays empty.
  for (const { name, reason } of failures)
    tell(`${name}\n${describeFailure(reason, options.verbose > 0)}\n\n`);
  tell(
    chosen.map((fn, i) => `${results[i]?.status === "fulfilled" ? "✔" : "✘"} ${name(fn.command)}\n`).join(""),
  );
  if (failures.length > 0) throw new UserError(`${failures.length} of ${chosen.length} checks failed`);
  return 0;
}

/** A check that returns an object passes only if that can be evaluated. */
async function settle(engine: Engine, value: unknown): Promise<void> {
  if (value instanceof Call) await engine.session.evaluate(value);
}

function matchesCheck(pattern: string, module: string, command: string): boolean {
  const path = (text: string): string => text.replaceAll(":", "/");
  return [path(pattern), `${module}/${path(pattern)}`].some((text) =>
    patternMatcher([text])(`${module}/${command}`),
  );
}
