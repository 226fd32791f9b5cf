import type { ArgumentValue, FunctionValue } from "../../engine/src/api/types.ts";
import { typeLabel } from "../../engine/src/cli/help.ts";
import { kebabCase } from "../../engine/src/cli/model.ts";
import { format } from "./format.ts";

const BEGIN = "<!-- functions: written by scripts/reference -->";
const END = "<!-- end of functions -->";

/** The text of docs/reference.md with the section of functions made anew. */
export async function withFunctions(text: string, functions: readonly FunctionValue[]): Promise<string> {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/reference.md has no section between ${BEGIN} and ${END}`);
  const sorted = [...functions].sort((a, b) => (a.name < b.name ? -1 : 1));
  const made = `${before}${BEGIN}\n\n${sorted.map(describe).join("\n")}\n${END}${after}`;
  return format(made, "docs/reference.md");
}

function describe(fn: FunctionValue): string {
  const cache = { Default: "", PerSession: " Runs once a session.", Never: " Runs at every call." };
  const returns = `Returns: ${typeLabel(fn.returnType)}.${cache[fn.cachePolicy]}${fn.check ? " Part of `check`." : ""}`;
  const rows = fn.args.map(
    (arg) =>
      `| ${[`\`--${kebabCase(arg.name)}\``, typeLabel(arg.typeDef), fallback(arg), cell(arg.description)].join(" | ")} |`,
  );
  const table =
    rows.length > 0
      ? `\n| Argument | Type | Default | |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`
      : "";
  return `### ${kebabCase(fn.name)}\n\n${fn.description.trim()}\n\n${returns}\n${table}`;
}

/** What an argument is without being given. */
function fallback(arg: ArgumentValue): string {
  if (arg.defaultPath !== "") return `\`${arg.defaultPath}\` of the project`;
  if (arg.defaultValue === undefined) return arg.typeDef.optional ? "none" : "required";
  return ['""', "[]"].includes(arg.defaultValue) ? "none" : `\`${arg.defaultValue}\``;
}

function cell(text: string): string {
  return text.trim().replace(/\s+/g, " ").replaceAll("|", "\\|");
}
