import {
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from "graphql";
import type { FunctionValue, TypeDefValue } from "../api/types.ts";
import type { Engine } from "../engine.ts";
import { camelCase } from "../module/config.ts";
import { expectedType } from "../schema/schema.ts";
import { describeField } from "./descriptions.ts";

/** An argument as a flag of the command line. */
export interface CliArgument {
  /** Name in the API. */
  name: string;
  flag: string;
  type: TypeDefValue;
  description: string;
  required: boolean;
  /** As help shows it. */
  defaultText?: string;
  ignore: string[];
}

/** A function as a command of the command line. */
export interface CliFunction {
  name: string;
  command: string;
  description: string;
  args: CliArgument[];
  returns: TypeDefValue;
  /** Whether it is the module's own: only these get defaults from `.env` files. */
  own: boolean;
  check: boolean;
}

/** "testReport" and "TestReport" give "test-report". */
export function kebabCase(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1-$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .replace(/[_\s]+/g, "-")
    .toLowerCase();
}

/** The functions that can be called on a type: of the module's object or of the API's type. */
export function functionsOf(engine: Engine, type: TypeDefValue): CliFunction[] {
  const { module } = engine;
  const own = module?.types.objects.get(module.types.apiName(type.name));
  if (own && type.kind === "OBJECT_KIND") {
    const fields = own.fields.map((field) => fieldFunction(field.name, field.description, field.typeDef));
    return [...own.functions.map(ownFunction), ...fields].sort(byCommand);
  }
  return coreFunctions(engine, type.name).sort(byCommand);
}

function byCommand(a: CliFunction, b: CliFunction): number {
  return a.command < b.command ? -1 : 1;
}

export function ownFunction(fn: FunctionValue): CliFunction {
  return {
    name: camelCase(fn.name),
    command: kebabCase(fn.name),
    description: fn.description,
    returns: fn.returnType,
    own: true,
    check: fn.check,
    args: fn.args.map((arg) => ({
      name: arg.name,
      flag: kebabCase(arg.name),
      type: arg.typeDef,
      description: arg.description,
      required:
        !arg.typeDef.optional &&
        arg.defaultValue === undefined &&
        arg.defaultPath === "" &&
        arg.defaultAddress === "",
      ...(arg.defaultValue !== undefined && { defaultText: arg.defaultValue }),
      ignore: arg.ignore,
    })),
  };
}

function fieldFunction(name: string, description: string, returns: TypeDefValue): CliFunction {
  return {
    name: camelCase(name),
    command: kebabCase(name),
    description,
    returns,
    own: true,
    check: false,
    args: [],
  };
}

function coreFunctions(engine: Engine, typeName: string): CliFunction[] {
  const type = engine.schema.getType(typeName);
  if (!isObjectType(type)) return [];
  return Object.values((type as GraphQLObjectType).getFields())
    .filter(({ name }) => name !== "id" && !name.startsWith("_"))
    .map((field) => ({ field, about: describeField(typeName, field.name) }))
    .map(({ field, about }) => ({
      name: field.name,
      command: kebabCase(field.name),
      description: about.text,
      returns: toTypeDef(field.type),
      own: false,
      check: false,
      args: field.args.map((arg) => ({
        name: arg.name,
        flag: kebabCase(arg.name),
        type: toTypeDef(arg.type, expectedType(arg)),
        description: about.args.get(arg.name) ?? "",
        required: isNonNullType(arg.type) && arg.defaultValue === undefined,
        ...(arg.defaultValue !== undefined && { defaultText: JSON.stringify(arg.defaultValue) }),
        ignore: [],
      })),
    }));
}

const scalarKinds: Record<string, string> = {
  String: "STRING_KIND",
  Int: "INTEGER_KIND",
  Float: "FLOAT_KIND",
  Boolean: "BOOLEAN_KIND",
  Void: "VOID_KIND",
};

function toTypeDef(type: GraphQLOutputType | GraphQLInputType, object?: string): TypeDefValue {
  const base = { description: "", functions: [], fields: [], members: [], optional: !isNonNullType(type) };
  const inner = isNonNullType(type) ? type.ofType : type;
  if (isListType(inner))
    return { ...base, kind: "LIST_KIND", name: "", element: toTypeDef(inner.ofType, object) };
  const name = (inner as { name: string }).name;
  if (name === "ID" && object) return { ...base, kind: "OBJECT_KIND", name: object };
  if (isEnumType(inner)) {
    const members = inner
      .getValues()
      .map((value) => ({ name: value.name, value: value.name, description: "" }));
    return { ...base, kind: "ENUM_KIND", name, members };
  }
  if (isScalarType(inner)) return { ...base, kind: scalarKinds[name] ?? "SCALAR_KIND", name };
  return { ...base, kind: isObjectType(inner) ? "OBJECT_KIND" : "INPUT_KIND", name };
}

/** Members of an enum, whether the module's or the API's. */
export function enumMembers(engine: Engine, type: TypeDefValue): string[] {
  const own = engine.module?.types.definition.enums.find((item) => item.name === type.name);
  return (own ?? type).members.map((member) => member.name);
}
