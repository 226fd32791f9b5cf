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
  parse,
} from "graphql";

/** The API's own types, without those of a module. */
export function coreSchema(): GraphQLSchema {
  const schema = buildSchema(readFileSync(fileURLToPath(new URL("./core.graphql", import.meta.url)), "utf8"));
  for (const type of Object.values(schema.getTypeMap())) if (isEnumType(type)) resolveAliases(type);
  return schema;
}

/** Some members of enums are other names of older ones (`STRING` of `STRING_KIND`): arguments get the older. */
function resolveAliases(type: GraphQLEnumType): void {
  for (const member of type.getValues()) {
    const directive = member.astNode?.directives?.find(({ name }) => name.value === "enumValue");
    const value = directive?.arguments?.[0]?.value;
    if (value?.kind === "StringValue") member.value = value.value;
  }
}

/** The API together with a module's types. */
export function schemaWith(core: GraphQLSchema, moduleTypes: string): GraphQLSchema {
  return moduleTypes === "" ? core : extendSchema(core, parse(moduleTypes));
}

/** How a field answers: with a call to select further on, with a list of such, or with a value. */
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

/** The object type whose ID an argument takes, if it takes one. */
export function expectedType(arg: GraphQLArgument): string | undefined {
  const directive = arg.astNode?.directives?.find(({ name }) => name.value === "expectedType");
  const value = directive?.arguments?.[0]?.value;
  return value?.kind === "StringValue" ? value.value : undefined;
}
