import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isObjectType } from "graphql";
import ts from "typescript";
import { coreSchema } from "../src/schema/schema.ts";

/** The declarations of the installed SDK's client, which is generated from the official API. */
export const declarations = join(
  dirname(createRequire(import.meta.url).resolve("@dagger.io/dagger")),
  "api",
  "client.gen.d.ts",
);

/** The fields of the client's classes, by the names of their types in the API. */
function clientFields(): Map<string, string[]> {
  const source = ts.createSourceFile(
    declarations,
    ts.sys.readFile(declarations) ?? "",
    ts.ScriptTarget.ES2022,
  );
  const names: Record<string, string> = { Client: "Query", Function_: "Function", Module_: "Module" };
  const classes = source.statements.filter((node) => ts.isClassDeclaration(node));
  return new Map(
    classes
      .map(({ name, members }): [string, string[]] => {
        const own = name?.text ?? "";
        return [names[own] ?? own, members.flatMap(fieldName)];
      })
      .filter(([name]) => name !== "BaseClient" && !name.startsWith("_")),
  );
}

/** `with` and `getGQLClient` belong to the client, not to the API. */
function fieldName(member: ts.ClassElement): string[] {
  const isField = ts.isMethodDeclaration(member) || ts.isPropertyDeclaration(member);
  if (!isField || !ts.isIdentifier(member.name)) return [];
  const name = member.name.text.replace(/_$/, "");
  return name.startsWith("_") || ["with", "getGQLClient"].includes(name) ? [] : [name];
}

/** Types of the client that the engine lacks, and missing fields of types that it has. */
export function missing(): { types: string[]; fields: Map<string, string[]> } {
  const schema = coreSchema();
  const types: string[] = [];
  const fields = new Map<string, string[]>();
  for (const [name, all] of clientFields()) {
    const type = schema.getType(name);
    const own = isObjectType(type) ? type.getFields() : undefined;
    const lacking = [...new Set(all)].filter(
      (field) => own && !(field in own) && !/^load\w+FromID$/.test(field),
    );
    if (!own) types.push(name);
    else if (lacking.length > 0) fields.set(name, lacking.sort());
  }
  return { types: types.sort(), fields };
}

/** The part of docs/engine.md that is generated. */
export function missingAsMarkdown(): string {
  const { types, fields } = missing();
  const rows = [...fields].sort(([a], [b]) => (a < b ? -1 : 1));
  const code = (names: string[]): string => names.map((name) => `\`${name}\``).join(", ");
  const lines = rows.map(([name, list]) => `- ${name}: ${code(list)}`);
  return [...lines, "", `Types that are missing as a whole: ${code(types)}.`].join("\n");
}
