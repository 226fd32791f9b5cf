import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Call } from "../core/call.ts";
import type { Engine } from "../engine.ts";
import { fieldOf } from "../schema/schema.ts";
import { select } from "../session/select.ts";
import type { Chain } from "./chain.ts";

/** Formats a chain's result as the official CLI does: values as text, objects as "Type@digest". */
export async function printResult(engine: Engine, { result, options, type }: Chain): Promise<string> {
  if (result instanceof Call) return printObject(engine, result, options.output);
  if (Array.isArray(result) && result.every((item) => item instanceof Call)) {
    return result.map((item) => `- ${objectLabel(item as Call)}\n`).join("");
  }
  if (type.kind === "VOID_KIND" || result === null || result === undefined) return "";
  const text = options.json ? `${JSON.stringify(result, null, 4)}\n` : plainText(result);
  if (options.output !== undefined) saveText(engine, options.output, text);
  return text;
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

function plainText(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `${plainText(item)}\n`).join("");
  return String(value);
}

function saveText(engine: Engine, path: string, text: string): void {
  const target = resolve(engine.session.workdir, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  engine.session.progress.note(`Saved output to ${JSON.stringify(target)}.`);
}
