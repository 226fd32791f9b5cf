import { Call } from "../core/call.ts";
import type { Engine } from "../engine.ts";
import { fieldOf } from "../schema/schema.ts";
import { select } from "../session/select.ts";
import { hostPath } from "../store/host-path.ts";
import { writeHostText } from "../store/replace.ts";
import type { Chain } from "./chain.ts";

/** Formats a chain's result as the official CLI does: values as text, objects as "Type@digest"; saves it for `--output`. */
export async function printResult(engine: Engine, { result, options, type }: Chain): Promise<string> {
  if (result instanceof Call) return printObject(engine, result, options.output);
  if (type.kind === "VOID_KIND" || result === null || result === undefined) return "";
  const text = plainText(result, options.json);
  if (options.output !== undefined) await saveText(engine, options.output, text);
  // Only on a terminal: what is read by a program stays as it is.
  return process.stdout.isTTY && !text.endsWith("\n") ? `${text}\n` : text;
}

function objectLabel(call: Call): string {
  return `${call.type}@sha256:${call.digest}`;
}

async function printObject(engine: Engine, call: Call, output: string | undefined): Promise<string> {
  const exportField = fieldOf(engine.schema, call.type, "export");
  if (output !== undefined && exportField) {
    const into = exportField.args.some(({ name }) => name === "allowParentDirPath");
    const path = await select(engine.caller, call, "export", {
      path: output,
      ...(into && { allowParentDirPath: true }),
    });
    engine.session.progress.note(`Saved to ${JSON.stringify(path)}.`);
    return "";
  }
  await engine.session.evaluate(call);
  return `${objectLabel(call)}\n`;
}

function plainText(value: unknown, json: boolean): string {
  if (Array.isArray(value) && value.length > 0 && value.every((item) => item instanceof Call))
    return value.map((item) => `- ${objectLabel(item)}\n`).join("");
  return json ? `${JSON.stringify(value, null, 4)}\n` : valueText(value);
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `${valueText(item)}\n`).join("");
  return String(value);
}

async function saveText(engine: Engine, path: string, text: string): Promise<void> {
  const target = hostPath(engine.session.workdir, path);
  await writeHostText(target, text, engine.session.work.signal);
  engine.session.progress.note(`Saved output to ${JSON.stringify(target)}.`);
}
