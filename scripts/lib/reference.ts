import type { ArgumentValue } from "../../engine/src/api/types.ts";
import { typeLabel } from "../../engine/src/cli/help.ts";
import { kebabCase } from "../../engine/src/cli/model.ts";
import { format } from "./format.ts";
import type { ModuleFunction } from "./module.ts";

const BEGIN = "<!-- functions: written by scripts/reference -->";
const END = "<!-- end of functions -->";

/** The text of docs/reference.md with a regenerated section of functions. */
export async function withFunctions(text: string, functions: readonly ModuleFunction[]): Promise<string> {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/reference.md has no section between ${BEGIN} and ${END}`);
  const sorted = [...functions].sort((a, b) => (a.command < b.command ? -1 : 1));
  const made = `${before}${BEGIN}\n\n${sorted.map(describe).join("\n")}\n${END}${after}`;
  return format(made, "docs/reference.md");
}

function describe(fn: ModuleFunction): string {
  const cache = { Default: "", PerSession: " Runs once per session.", Never: " Never cached." };
  const returns = `Returns: ${typeLabel(fn.returnType)}.${cache[fn.cachePolicy]}${fn.check ? " Part of `check`." : ""}`;
  const rows = fn.args.map(
    (arg) =>
      `| ${[`\`--${kebabCase(arg.name)}\``, typeLabel(arg.typeDef), fallback(arg), cell(arg.description)].join(" | ")} |`,
  );
  const table =
    rows.length > 0
      ? `\n| Argument | Type | Default | |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`
      : "";
  return `### ${fn.command}\n\n${fn.description.trim()}\n\n${returns}\n${table}`;
}

/** The default of an argument. */
function fallback(arg: ArgumentValue): string {
  if (arg.defaultPath !== "") return `\`${arg.defaultPath}\` of the project`;
  if (arg.defaultValue === undefined) return arg.typeDef.optional ? "none" : "required";
  return ['""', "[]"].includes(arg.defaultValue) ? "none" : `\`${arg.defaultValue}\``;
}

function cell(text: string): string {
  return text.trim().replace(/\s+/g, " ").replaceAll("|", "\\|");
}
