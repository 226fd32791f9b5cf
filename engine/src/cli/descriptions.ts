import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Description of a field of the API, from the installed SDK's documentation. */
export interface FieldDescription {
  text: string;
  args: ReadonlyMap<string, string>;
}

const nothing: FieldDescription = { text: "", args: new Map() };
const classNames: Record<string, string> = { Query: "Client", Function: "Function_", Module: "Module_" };
const classes = new Map<string, Map<string, FieldDescription>>();
let declarations: string | undefined;

/** Description of a type's field; empty if the SDK has none or cannot be read. */
export function describeField(type: string, field: string): FieldDescription {
  let fields = classes.get(type);
  if (!fields) {
    fields = readClass(classNames[type] ?? type);
    classes.set(type, fields);
  }
  return fields.get(field) ?? fields.get(`${field}_`) ?? nothing;
}

function readClass(name: string): Map<string, FieldDescription> {
  declarations ??= readDeclarations();
  const start = declarations.indexOf(`export declare class ${name} extends`);
  const end = declarations.indexOf("\nexport ", start + 1);
  const body = start < 0 ? "" : declarations.slice(start, end < 0 ? undefined : end);
  // A comment and, right after it, the name of the member that it describes.
  const found = body.matchAll(/\/\*\*\n((?: {5}\*.*\n)*?) {5}\*\/\n {4}(\w+): /g);
  return new Map([...found].map(([, comment = "", field = ""]) => [field, parseComment(comment)]));
}

function readDeclarations(): string {
  try {
    const main = createRequire(import.meta.url).resolve("@dagger.io/dagger");
    return readFileSync(join(dirname(main), "api", "client.gen.d.ts"), "utf8");
  } catch {
    return "";
  }
}

function parseComment(comment: string): FieldDescription {
  const text = comment.replace(/^ {5}\* ?/gm, "");
  const [summary = "", ...params] = text.split(/^@param /m);
  const args = params.map((param): [string, string] => {
    const [, name = "", about = ""] = /^(?:opts\.)?(\w+) ([\s\S]*)/.exec(param) ?? [];
    return [name.replace(/_$/, ""), about.trim()];
  });
  return { text: (summary.split(/^@/m)[0] ?? "").trim(), args: new Map(args) };
}
