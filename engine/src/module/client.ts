import type { FunctionValue, TypeDefValue } from "../api/types.ts";
import { camelCase, pascalCase } from "./config.ts";
import { isOptional, type ModuleTypes, objectIn } from "./types.ts";

/** What a program needs of the SDK that the SDK does not export. */
const HEAD = `import * as sdk from "./sdk.mjs";
export * from "./sdk.mjs";
const BaseClient = Object.getPrototypeOf(sdk.Client);
const invert = (names) => Object.fromEntries(Object.entries(names).map(([key, value]) => [value, key]));
`;

/** Types of the API whose classes have other names, because JavaScript has such names itself. */
const renamed: Record<string, string> = { Query: "Client", Module: "Module_", Function: "Function_" };

/**
 * The client of some modules as a JavaScript file, with the classes and methods that the official engine generates: what
 * must be given are the parameters, what can be is in an object after them.
 */
export function clientOf(modules: readonly ModuleTypes[]): string {
  return HEAD + modules.map((module) => new ModuleClient(module).source()).join("");
}

class ModuleClient {
  constructor(private readonly types: ModuleTypes) {}

  source(): string {
    const { definition, main, mainName, constructorField } = this.types;
    const create = main.constructorFunction ?? ({ args: [] } as Pick<FunctionValue, "args">);
    const made = this.method(create.args, constructorField, {
      kind: "OBJECT_KIND",
      name: main.name,
    } as TypeDefValue);
    return [
      ...definition.enums.map((type) => this.enumType(type)),
      ...[...this.types.objects].map(([name, object]) => this.objectClass(name, object)),
      `sdk.Client.prototype[${quote(constructorField)}] = function ${mainName}Of${made.replace("=>", "")};\n`,
    ].join("");
  }

  /** Members, and the names by which the API has them. */
  private enumType({ name, members }: TypeDefValue): string {
    const own = this.types.apiName(name);
    const values = members.map((member) => [
      pascalCase(member.name.toLowerCase()),
      member.value || member.name,
    ]);
    const names = members.map((member) => [member.value || member.name, member.name]);
    return `export const ${own} = ${JSON.stringify(Object.fromEntries(values))};
const ${own}Names = ${JSON.stringify(Object.fromEntries(names))};
`;
  }

  private objectClass(name: string, { functions, fields }: TypeDefValue): string {
    const methods = [
      ...functions.map((fn): [string, string] => [
        fn.name,
        this.method(fn.args, camelCase(fn.name), fn.returnType),
      ]),
      ...fields.map((field): [string, string] => [
        field.name,
        this.method([], camelCase(field.name), field.typeDef),
      ]),
    ];
    const lines = methods.map(([method, code]) => `  ${quote(camelCase(method))} = ${code};\n`);
    return `export class ${name} extends BaseClient {
  id = () => this._ctx.select("id").execute();
  with = (change) => change(this);
${lines.join("")}}
`;
  }

  /** "(_0, opts) => ...": selects a field and says what becomes of the answer. */
  private method(args: FunctionValue["args"], field: string, returns: TypeDefValue): string {
    const required = args.filter((arg) => !isOptional(arg));
    const given = required.map(({ name }, i) => `${quote(name)}: _${i}, `).join("");
    const parameters = [
      ...required.map((_, i) => `_${i}`),
      ...(required.length < args.length ? ["opts"] : []),
    ];
    const rest = required.length < args.length ? "...opts, " : "";
    const selected = `this._ctx.select(${quote(field)}, { ${given}${rest}__metadata: { ${this.metadata(args)} } })`;
    return `(${parameters.join(", ")}) => { return ${this.answer(selected, returns)}; }`;
  }

  private metadata(args: FunctionValue["args"]): string {
    return args
      .flatMap(({ name, typeDef }) => {
        const names = this.enumNames(typeDef);
        return names
          ? [`${quote(name)}: { is_enum: true, value_to_name: (value) => ${names}[value] ?? value }`]
          : [];
      })
      .join(", ");
  }

  private answer(selected: string, type: TypeDefValue): string {
    const object = objectIn(type);
    const name = object && this.className(object);
    if (name && type.kind === "LIST_KIND") {
      const node = `this._ctx.copy().selectNode(id, ${quote(this.types.apiName(object))})`;
      return `${selected}.select("id").execute().then((items) => items.map(({ id }) => new ${name}(${node})))`;
    }
    if (name) return `new ${name}(${selected})`;
    const names = this.enumNames(type);
    return `${selected}.execute()${names ? `.then((name) => invert(${names})[name] ?? name)` : ""}`;
  }

  private className(object: string): string {
    const own = this.types.apiName(object);
    return this.types.objects.has(own) ? own : `sdk.${renamed[own] ?? own}`;
  }

  private enumNames({ kind, name }: TypeDefValue): string | undefined {
    const isOwn = kind === "ENUM_KIND" && this.types.definition.enums.some((type) => type.name === name);
    return isOwn ? `${this.types.apiName(name)}Names` : undefined;
  }
}

const quote = (text: string): string => JSON.stringify(text);
