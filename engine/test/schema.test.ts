import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { evaluators, findResolver } from "../src/api/index.ts";
import { coreSchema, expectedType } from "../src/schema/schema.ts";
import { plainTypes } from "../src/session/fields.ts";
import { declarations } from "./client.ts";

const schema = coreSchema();
const program = ts.createProgram([declarations], { skipLibCheck: true });
const checker = program.getTypeChecker();
const source = program.getSourceFile(declarations) as ts.SourceFile;

const classes = new Map<string, ts.ClassDeclaration>();
const enums = new Map<string, ts.EnumDeclaration>();
const aliases = new Map<string, ts.TypeAliasDeclaration>();
for (const node of source.statements) {
  if (ts.isClassDeclaration(node) && node.name) classes.set(node.name.text, node);
  if (ts.isEnumDeclaration(node)) enums.set(node.name.text, node);
  if (ts.isTypeAliasDeclaration(node)) aliases.set(node.name.text, node);
}

/** The SDK's class names where they differ from the names of the API's types. */
const renamed: Record<string, string> = {
  Query: "Client",
  Function: "Function_",
  Module: "Module_",
  Error: "Error",
};

const objects = Object.values(schema.getTypeMap()).filter(
  (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith("__"),
);

function clientMethod(type: GraphQLObjectType, field: string): ts.Signature | undefined {
  const declared = classes.get(renamed[type.name] ?? type.name);
  if (!declared?.name) return undefined;
  const symbol = checker.getDeclaredTypeOfSymbol(checker.getSymbolAtLocation(declared.name) as ts.Symbol);
  const found = symbol.getProperty(field) ?? symbol.getProperty(`${field}_`);
  return found && checker.getTypeOfSymbolAtLocation(found, source).getCallSignatures()[0];
}

/** A field's arguments as the client has them: the required ones, and those of its options. */
function clientArguments(signature: ts.Signature): { required: string[]; optional: string[] } {
  const required: string[] = [];
  const optional: string[] = [];
  for (const parameter of signature.getParameters()) {
    const type = checker.getTypeOfSymbolAtLocation(parameter, source);
    if (parameter.name === "opts") {
      // A required argument that follows optional ones is among the options, too.
      for (const option of checker.getNonNullableType(type).getProperties())
        (option.flags & ts.SymbolFlags.Optional ? optional : required).push(option.name);
    } else required.push(parameter.name.replace(/_$/, ""));
  }
  return { required, optional };
}

function isRequired(arg: GraphQLArgument): boolean {
  return isNonNullType(arg.type) && arg.defaultValue === undefined;
}

/** The TypeScript name of a type, without its list and non-null wrappers. */
function plainName(type: GraphQLOutputType | GraphQLInputType): string {
  const name = getNamedType(type).name;
  const scalars: Record<string, string> = {
    String: "string",
    Int: "number",
    Float: "number",
    Boolean: "boolean",
    ID: "ID",
    Void: "void",
  };
  return scalars[name] ?? renamed[name] ?? name;
}

function isListOf(type: GraphQLOutputType | GraphQLInputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

const generic = new Set(["id", "sync"]);

describe.each(objects.map((type) => [type.name, type] as const))("%s", (name, type) => {
  const fields = Object.values(type.getFields());
  const own = fields.filter(
    (field) => !generic.has(field.name) && field.name !== "node" && !/^load\w+FromID$/.test(field.name),
  );

  it("has no field that the client lacks", () => {
    expect(own.filter((field) => !clientMethod(type, field.name)).map((field) => field.name)).toEqual([]);
  });

  it("takes the client's arguments, required and optional alike", () => {
    for (const field of own) {
      const { required, optional } = clientArguments(clientMethod(type, field.name) as ts.Signature);
      const names = (wanted: boolean): string[] =>
        field.args.filter((arg) => isRequired(arg) === wanted).map((arg) => arg.name);
      expect([field.name, names(true)]).toEqual([field.name, required]);
      expect([field.name, names(false).sort()]).toEqual([field.name, [...optional].sort()]);
    }
  });

  it("returns what the client returns", () => {
    for (const field of own)
      expect([field.name, returned(field)]).toEqual([field.name, clientReturned(type, field)]);
  });

  it("has an evaluator or a resolver for each field", () => {
    const missing = own.filter(
      (field) =>
        !plainTypes.includes(name) &&
        !evaluators.has(`${name}.${field.name}`) &&
        !findResolver(name, field.name),
    );
    expect(missing.map((field) => field.name)).toEqual([]);
  });
});

function returned(field: GraphQLField<unknown, unknown>): string {
  const value = field.type;
  const isObject = isObjectType(getNamedType(value)) && !isListOf(value);
  // The client names the objects whose ID a field returns.
  const name = plainName(value);
  const list = isListOf(value) ? "[]" : "";
  return isObject ? name : `Promise<${name}${list}>`;
}

function clientReturned(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): string {
  const signature = clientMethod(type, field.name) as ts.Signature;
  const text = checker.typeToString(
    checker.getReturnTypeOfSignature(signature),
    undefined,
    ts.TypeFormatFlags.NoTruncation,
  );
  // A nullable object is a promise of one; a field that returns its own ID is a promise of the object.
  if (/^Promise<(\w+) \| null>$/.test(text)) return text.replace(" | null", "");
  const expected = field.astNode?.directives?.some(({ name }) => name.value === "expectedType");
  if (expected && text === `Promise<${plainName(type as never)}>`) return returned(field);
  return text;
}

describe("enums", () => {
  const own = Object.values(schema.getTypeMap()).filter(
    (type) => isEnumType(type) && !type.name.startsWith("__"),
  );

  it.each(own.map((type) => [type.name]))("%s has the client's members", (name) => {
    const type = schema.getType(name);
    if (!isEnumType(type)) throw new Error(name);
    const members = enums.get(name)?.members.map((member) => (member.name as ts.Identifier).text) ?? [];
    const pascal = (text: string): string =>
      text.toLowerCase().replace(/(?:^|_)(\w)/g, (_, c: string) => c.toUpperCase());
    const lower = (texts: string[]): string[] => [...new Set(texts.map((text) => text.toLowerCase()))].sort();
    expect(lower(type.getValues().map((value) => pascal(value.name)))).toEqual(lower(members));
  });
});

describe("input objects", () => {
  const own = Object.values(schema.getTypeMap()).filter((type) => isInputObjectType(type));

  it.each(own.map((type) => [type.name]))("%s has the client's fields", (name) => {
    const type = schema.getType(name);
    if (!isInputObjectType(type)) throw new Error(name);
    const alias = aliases.get(name) as ts.TypeAliasDeclaration;
    const members = checker.getTypeAtLocation(alias).getProperties();
    expect(Object.keys(type.getFields()).sort()).toEqual(members.map((member) => member.name).sort());
  });
});

describe("arguments that take an ID", () => {
  it("name the type that the client takes", () => {
    for (const type of objects) {
      for (const field of Object.values(type.getFields())) {
        const signature = clientMethod(type, field.name);
        for (const parameter of signature?.getParameters() ?? []) {
          const arg = field.args.find((item) => item.name === parameter.name.replace(/_$/, ""));
          const expected = arg && expectedType(arg);
          if (!expected) continue;
          const text = checker
            .typeToString(checker.getTypeOfSymbolAtLocation(parameter, source))
            .replace("[]", "");
          expect(`${type.name}.${field.name} ${text}`).toBe(
            `${type.name}.${field.name} ${renamed[expected] ?? expected}`,
          );
        }
      }
    }
  });
});
