import type { Evaluator } from "../session/context.ts";

export interface TypeDefValue {
  kind: string;
  name: string;
  description: string;
  optional: boolean;
  element?: TypeDefValue;
  functions: FunctionValue[];
  fields: FieldValue[];
  constructorFunction?: FunctionValue;
  members: { name: string; value: string; description: string }[];
}

export interface FieldValue {
  name: string;
  typeDef: TypeDefValue;
  description: string;
}

export interface ArgumentValue {
  name: string;
  typeDef: TypeDefValue;
  description: string;
  /** JSON text. */
  defaultValue?: string;
  defaultPath: string;
  defaultAddress: string;
  ignore: string[];
}

export interface FunctionValue {
  name: string;
  returnType: TypeDefValue;
  description: string;
  args: ArgumentValue[];
  cachePolicy: "Default" | "PerSession" | "Never";
  /** A Go duration string. */
  timeToLive?: string;
  check: boolean;
  deprecated?: string;
}

export interface ModuleValue {
  description: string;
  objects: TypeDefValue[];
  enums: TypeDefValue[];
  interfaces: TypeDefValue[];
}

const emptyType: TypeDefValue = {
  kind: "",
  name: "",
  description: "",
  optional: false,
  functions: [],
  fields: [],
  members: [],
};

function named(kind: string): Evaluator {
  return (type: TypeDefValue, { name, description }) => ({
    ...type,
    kind,
    name,
    description: description ?? "",
  });
}

export const typeDef: Record<string, Evaluator> = {
  kind: (type: TypeDefValue) => type.kind,
  name: (type: TypeDefValue) => type.name,
  optional: (type: TypeDefValue) => type.optional,
  withKind: (type: TypeDefValue, { kind }) => ({ ...type, kind }),
  withOptional: (type: TypeDefValue, { optional }) => ({ ...type, optional }),
  withObject: named("OBJECT_KIND"),
  withInterface: named("INTERFACE_KIND"),
  withEnum: named("ENUM_KIND"),
  withScalar: named("SCALAR_KIND"),
  withListOf: async (type: TypeDefValue, { elementType }, session) => ({
    ...type,
    kind: "LIST_KIND",
    element: await session.evaluate<TypeDefValue>(elementType),
  }),
  withFunction: async (type: TypeDefValue, args, session) => ({
    ...type,
    functions: [...type.functions, await session.evaluate<FunctionValue>(args.function)],
  }),
  withConstructor: async (type: TypeDefValue, args, session) => ({
    ...type,
    constructorFunction: await session.evaluate<FunctionValue>(args.function),
  }),
  withField: async (type: TypeDefValue, { name, typeDef: field, description }, session) => ({
    ...type,
    fields: [...type.fields, { name, description, typeDef: await session.evaluate<TypeDefValue>(field) }],
  }),
  withEnumMember: (type: TypeDefValue, { name, value, description }) => ({
    ...type,
    members: [...type.members, { name, value, description }],
  }),
  withEnumValue: (type: TypeDefValue, { value, description }) => ({
    ...type,
    members: [...type.members, { name: value, value, description }],
  }),
};

export const functionDef: Record<string, Evaluator> = {
  name: (fn: FunctionValue) => fn.name,
  description: (fn: FunctionValue) => fn.description,
  withDescription: (fn: FunctionValue, { description }) => ({ ...fn, description }),
  // Positions in the source are not shown anywhere yet.
  withSourceMap: (fn: FunctionValue) => fn,
  withCheck: (fn: FunctionValue) => ({ ...fn, check: true }),
  withGenerator: (fn: FunctionValue) => fn,
  withUp: (fn: FunctionValue) => fn,
  withDeprecated: (fn: FunctionValue, { reason }) => ({ ...fn, deprecated: reason ?? "" }),
  withCachePolicy: (fn: FunctionValue, { policy, timeToLive }) => ({
    ...fn,
    cachePolicy: policy,
    ...(timeToLive && { timeToLive }),
  }),
  withArg: async (fn: FunctionValue, args, session) => {
    const { name, description, defaultValue, defaultPath, defaultAddress, ignore } = args;
    const arg: ArgumentValue = {
      name,
      description,
      ...(defaultValue != null && { defaultValue }),
      defaultPath,
      defaultAddress,
      ignore,
      typeDef: await session.evaluate<TypeDefValue>(args.typeDef),
    };
    return { ...fn, args: [...fn.args, arg] };
  },
};

export const moduleDef: Record<string, Evaluator> = {
  withDescription: (mod: ModuleValue, { description }) => ({ ...mod, description }),
  withObject: async (mod: ModuleValue, { object }, session) => ({
    ...mod,
    objects: [...mod.objects, await session.evaluate<TypeDefValue>(object)],
  }),
  withEnum: async (mod: ModuleValue, args, session) => ({
    ...mod,
    enums: [...mod.enums, await session.evaluate<TypeDefValue>(args.enum)],
  }),
  withInterface: async (mod: ModuleValue, { iface }, session) => ({
    ...mod,
    interfaces: [...mod.interfaces, await session.evaluate<TypeDefValue>(iface)],
  }),
};

/** Fields of Query that start a type definition. */
export const typeQueries: Record<string, Evaluator> = {
  typeDef: (): TypeDefValue => emptyType,
  function: async (_, { name, returnType }, session): Promise<FunctionValue> => ({
    name,
    returnType: await session.evaluate<TypeDefValue>(returnType),
    description: "",
    args: [],
    cachePolicy: "Default",
    check: false,
  }),
  module: (): ModuleValue => ({ description: "", objects: [], enums: [], interfaces: [] }),
};
