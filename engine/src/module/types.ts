import type { ArgumentValue, FunctionValue, ModuleValue, TypeDefValue } from "../api/types.ts";
import { camelCase, pascalCase } from "./config.ts";

/** A module's types under their names in the API. */
export class ModuleTypes {
  readonly objects: ReadonlyMap<string, TypeDefValue>;
  readonly mainName: string;

  constructor(
    readonly moduleName: string,
    readonly definition: ModuleValue,
    /** The module's name in its own sources, where a dependent module gives it another. */
    private readonly ownName = moduleName,
  ) {
    this.mainName = pascalCase(moduleName);
    this.objects = new Map(definition.objects.map((object) => [this.apiName(object.name), object]));
  }

  get main(): TypeDefValue {
    return this.objects.get(this.mainName) as TypeDefValue;
  }

  /** The field of Query that constructs the main object. */
  get constructorField(): string {
    return camelCase(this.moduleName);
  }

  isOwnObject(name: string): boolean {
    return this.definition.objects.some((object) => object.name === name);
  }

  /** Types other than the main one are prefixed with the module's name, as in the official engine. */
  apiName(name: string): string {
    const own = [...this.definition.objects, ...this.definition.enums, ...this.definition.interfaces].some(
      (t) => t.name === name,
    );
    if (!own) return name;
    const prefix = pascalCase(this.ownName);
    return this.mainName + (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  }

  /** The types as a GraphQL schema that extends the API. */
  toGraphQL(): string {
    const create = this.main.constructorFunction ?? { name: "", args: [] };
    const query = `extend type Query { ${this.constructorField}${this.args(create.args)}: ${this.mainName}! }`;
    const objects = [...this.objects].map(([name, object]) => this.objectType(name, object));
    const enums = this.definition.enums.map(
      (type) => `enum ${this.apiName(type.name)} { ${type.members.map((member) => member.name).join(" ")} }`,
    );
    return [query, ...objects, ...enums].join("\n");
  }

  private objectType(name: string, object: TypeDefValue): string {
    const functions = object.functions.map(
      (fn) => `${camelCase(fn.name)}${this.args(fn.args)}: ${this.type(fn.returnType)}`,
    );
    const fields = object.fields.map((field) => `${camelCase(field.name)}: ${this.type(field.typeDef)}`);
    return `type ${name} implements Node { id: ID! ${[...functions, ...fields].join(" ")} }`;
  }

  private args(args: FunctionValue["args"]): string {
    if (args.length === 0) return "";
    const list = args.map((arg) => {
      const type = this.type({ ...arg.typeDef, optional: isOptional(arg) }, true);
      const object = objectIn(arg.typeDef);
      return `${arg.name}: ${type}${object ? ` @expectedType(name: "${this.apiName(object)}")` : ""}`;
    });
    return `(${list.join(", ")})`;
  }

  /** A type's name in GraphQL; object arguments are IDs. */
  type(type: TypeDefValue, isInput = false): string {
    return `${this.bareType(type, isInput)}${type.optional ? "" : "!"}`;
  }

  private bareType(type: TypeDefValue, isInput: boolean): string {
    const scalars: Record<string, string> = {
      STRING_KIND: "String",
      INTEGER_KIND: "Int",
      FLOAT_KIND: "Float",
      BOOLEAN_KIND: "Boolean",
      VOID_KIND: "Void",
    };
    if (type.kind === "LIST_KIND") return `[${this.type(type.element as TypeDefValue, isInput)}]`;
    if (type.kind === "OBJECT_KIND" || type.kind === "INTERFACE_KIND")
      return isInput ? "ID" : this.apiName(type.name);
    return scalars[type.kind] ?? this.apiName(type.name);
  }
}

/** Whether a caller may leave an argument out. */
export function isOptional({ typeDef, defaultValue, defaultPath, defaultAddress }: ArgumentValue): boolean {
  return typeDef.optional || defaultValue !== undefined || defaultPath !== "" || defaultAddress !== "";
}

/** Name of the object type that a type is, or is a list of. */
export function objectIn(type: TypeDefValue): string | undefined {
  if (type.kind === "LIST_KIND") return objectIn(type.element as TypeDefValue);
  return type.kind === "OBJECT_KIND" || type.kind === "INTERFACE_KIND" ? type.name : undefined;
}
