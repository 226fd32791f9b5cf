import type { TypeDefValue } from "../api/types.ts";
import type { CliArgument, CliFunction } from "./model.ts";
import { optionFlags } from "./options.ts";

/** Two aligned columns. */
export function table(rows: [string, string][], indent = "  "): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${indent}${left.padEnd(width + 3)}${right}`.trimEnd()).join("\n");
}

export function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

/** A type's name in help. */
export function typeLabel(type: TypeDefValue): string {
  const names: Record<string, string> = {
    STRING_KIND: "string",
    INTEGER_KIND: "int",
    FLOAT_KIND: "float",
    BOOLEAN_KIND: "bool",
  };
  if (type.kind === "LIST_KIND") return `${typeLabel(type.element as TypeDefValue)}s`;
  return names[type.kind] ?? type.name;
}

function argumentRow(arg: CliArgument, members: string[]): [string, string] {
  const label = arg.type.kind === "BOOLEAN_KIND" ? "" : ` ${typeLabel(arg.type)}`;
  const notes = [
    ...(members.length > 0 ? [`(possible values: ${members.join(", ")})`] : []),
    ...(arg.defaultText !== undefined && arg.defaultText !== '""' ? [`(default ${arg.defaultText})`] : []),
    ...(arg.required ? ["[required]"] : []),
  ];
  return [
    `--${arg.flag}${label}`,
    [firstLine(arg.description), ...notes].filter((part) => part !== "").join(" "),
  ];
}

export interface HelpPage {
  /** Words so far, e.g. "dagger call build". */
  usage: string;
  description: string;
  args: CliArgument[];
  functions: CliFunction[];
  members(type: TypeDefValue): string[];
}

/** Renders the help of one level: description, usage, functions, arguments and options. */
export function renderHelp(page: HelpPage): string {
  const { args, functions } = page;
  const usage = `${page.usage} [options]${args.length > 0 ? " [arguments]" : ""}${functions.length > 0 ? " <function>" : ""}`;
  const sections = [
    page.description.trim(),
    `USAGE\n  ${usage}`,
    functions.length > 0
      ? `FUNCTIONS\n${table(functions.map((fn) => [fn.command, firstLine(fn.description)]))}`
      : "",
    args.length > 0 ? `ARGUMENTS\n${table(args.map((arg) => argumentRow(arg, page.members(arg.type))))}` : "",
    `OPTIONS\n${renderOptions()}`,
    functions.length > 0 ? `Use "${page.usage} [command] --help" for more information about a command.` : "",
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

export function renderOptions(): string {
  return table(
    optionFlags.map(({ name, short, placeholder, description }) => [
      `${short ? `-${short}, ` : "    "}--${name}${placeholder ? ` ${placeholder}` : ""}`,
      description,
    ]),
  );
}
