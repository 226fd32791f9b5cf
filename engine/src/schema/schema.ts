import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  buildSchema,
  extendSchema,
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  parse,
  valueFromASTUntyped,
} from "graphql";
import { parsePlatform } from "./platform.ts";

/** The API's types, without a module's. */
export function coreSchema(): GraphQLSchema {
  const schema = buildSchema(readFileSync(fileURLToPath(new URL("./core.graphql", import.meta.url)), "utf8"));
  return complete(schema);
}

const loader = /^load(\w+)FromID$/;

/** The type that a field of Query loads by ID, if it is such a field. */
export function loadedType(field: string): string | undefined {
  return loader.exec(field)?.[1];
}

/** The API as SDKs expect it: with a `load<Type>FromID` field for each type, and with aliases of enum members. */
function complete(schema: GraphQLSchema): GraphQLSchema {
  const query = schema.getQueryType()?.getFields() ?? {};
  const names = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && type.getFields().id && type.name !== "Query")
    .map(({ name }) => name)
    .filter((name) => !(`load${name}FromID` in query));
  const fields = names.map((name) => `load${name}FromID(id: ID!): ${name}!`);
  const result = extendSchema(schema, parse(`extend type Query { ${fields.join(" ")} }`));
  for (const type of Object.values(result.getTypeMap())) if (isEnumType(type)) resolveAliases(type);
  const platform = result.getType("Platform");
  if (isScalarType(platform)) {
    platform.parseValue = parsePlatform;
    platform.parseLiteral = (node, variables) => parsePlatform(valueFromASTUntyped(node, variables));
  }
  return result;
}

/** Some enum members are aliases of older ones (`STRING` of `STRING_KIND`): both have the older one's value. */
function resolveAliases(type: GraphQLEnumType): void {
  const originals = new Set<string>();
  for (const member of type.getValues()) {
    const directive = member.astNode?.directives?.find(({ name }) => name.value === "enumValue");
    const value = directive?.arguments?.[0]?.value;
    if (value?.kind === "StringValue") member.value = value.value;
    else originals.add(member.name);
  }
  const serialize = type.serialize.bind(type);
  type.serialize = (value) => (originals.has(value as string) ? (value as string) : serialize(value));
}

/** The API together with a module's types. */
export function schemaWith(core: GraphQLSchema, moduleTypes: string): GraphQLSchema {
  return moduleTypes === "" ? core : complete(extendSchema(core, parse(moduleTypes)));
}

/** What a field returns: an object to select further fields on, a list of objects, or a value. */
export type Shape = "object" | "list" | "value";

export function shapeOf(type: GraphQLOutputType): Shape {
  const inner = isNonNullType(type) ? type.ofType : type;
  if (isListType(inner)) return isComposite(getNamedType(inner)) ? "list" : "value";
  return isComposite(inner) ? "object" : "value";
}

function isComposite(type: unknown): boolean {
  return isObjectType(type) || isAbstractType(type);
}

export function fieldOf(
  schema: GraphQLSchema,
  type: string,
  field: string,
): GraphQLField<unknown, unknown> | undefined {
  return (schema.getType(type) as GraphQLObjectType | undefined)?.getFields?.()[field];
}

/** Whether a call of type `type` can be passed where the API expects `expected`. */
export function isOfType(schema: GraphQLSchema, type: string, expected: string): boolean {
  const wanted = schema.getType(expected);
  return type === expected || !isObjectType(wanted);
}

/** The object type whose ID an argument takes, if it takes one. */
export function expectedType(arg: GraphQLArgument): string | undefined {
  const directive = arg.astNode?.directives?.find(({ name }) => name.value === "expectedType");
  const value = directive?.arguments?.[0]?.value;
  return value?.kind === "StringValue" ? value.value : undefined;
}
