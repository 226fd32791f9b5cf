import { hostDirectory, hostFile } from "../api/host.ts";
import type { TypeDefValue } from "../api/types.ts";
import type { ArgValue, Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { Engine } from "../engine.ts";
import { gitUrl } from "../git/url.ts";
import { parsePlatform } from "../schema/platform.ts";
import { select } from "../session/select.ts";
import { hostPath } from "../store/host-path.ts";
import { type CliArgument, enumMembers } from "./model.ts";

/** Where a value comes from: for error messages and relative paths. */
export interface ValueSource {
  /** E.g. "--tag" or "TEST_TAG in .env". */
  label: string;
  folder: string;
}

/** Parses the values of one argument into a value of the API. */
export async function parseArgument(
  engine: Engine,
  arg: CliArgument,
  texts: string[],
  source: ValueSource,
): Promise<ArgValue> {
  const last = texts[texts.length - 1] as string;
  if (arg.type.kind !== "LIST_KIND") return parseValue(engine, arg.type, last, arg, source);
  const items = texts.flatMap(splitList);
  return Promise.all(
    items.map((item) => parseValue(engine, arg.type.element as TypeDefValue, item, arg, source)),
  );
}

/** Items of a comma-separated list; double quotes hold a comma, as in CSV. */
export function splitList(text: string): string[] {
  if (text === "") return [];
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "",
  );
}

function invalid(source: ValueSource, text: string, wanted: string): UserError {
  return new UserError(`invalid argument ${JSON.stringify(text)} for ${source.label}: ${wanted}`);
}

async function parseValue(
  engine: Engine,
  type: TypeDefValue,
  text: string,
  arg: CliArgument,
  source: ValueSource,
): Promise<ArgValue> {
  switch (type.kind) {
    case "STRING_KIND":
      return text;
    case "SCALAR_KIND":
      return type.name === "Platform" ? parsePlatform(text) : text;
    case "INTEGER_KIND":
      if (!/^[+-]?\d+$/.test(text)) throw invalid(source, text, "give a whole number");
      return Number(text);
    case "FLOAT_KIND":
      if (text.trim() === "" || !Number.isFinite(Number(text))) throw invalid(source, text, "give a number");
      return Number(text);
    case "BOOLEAN_KIND":
      return parseBoolean(text, source);
    case "ENUM_KIND":
      return parseEnum(enumMembers(engine, type), text, source);
    case "INPUT_KIND":
      return parseInput(type.name, text, source);
    default:
      return parseObject(engine, type.name, text, arg, source);
  }
}

function parseBoolean(text: string, source: ValueSource): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw invalid(source, text, "give true or false");
}

function parseEnum(members: string[], text: string, source: ValueSource): string {
  if (!members.includes(text)) throw invalid(source, text, `value should be one of ${members.join(",")}`);
  return text;
}

function parseInput(name: string, text: string, source: ValueSource): ArgValue {
  if (name === "PortForward") {
    const [, frontend, backend, protocol = "TCP"] = /^(\d+)(?::(\d+))?(?:\/(tcp|udp))?$/i.exec(text) ?? [];
    if (!frontend) throw invalid(source, text, "give ports as FRONTEND:BACKEND");
    return {
      frontend: Number(frontend),
      backend: Number(backend ?? frontend),
      protocol: protocol.toUpperCase(),
    };
  }
  const [key = "", ...value] = text.split("=");
  if (value.length === 0) throw invalid(source, text, "give NAME=VALUE");
  return { name: key, value: value.join("=") };
}

async function parseObject(
  engine: Engine,
  name: string,
  text: string,
  arg: CliArgument,
  source: ValueSource,
): Promise<ArgValue> {
  const { session } = engine;
  const path = (): string => hostPath(source.folder, text.replace(/^file:\/\//, ""));
  const query = (field: string, args: Record<string, unknown>): Promise<Call> =>
    select(engine.caller, undefined, field, args) as Promise<Call>;
  const on = async (field: string, args: Record<string, unknown>, next: string, more = {}): Promise<Call> =>
    select(engine.caller, await query(field, args), next, more) as Promise<Call>;
  const inField = name.replace(/^./, (first) => first.toLowerCase());
  const isRemote = (): boolean => gitUrl(text) !== undefined;
  switch (name) {
    case "Directory":
      return isRemote()
        ? on("address", { value: text }, inField)
        : hostDirectory(session, { path: path(), exclude: arg.ignore, include: [], gitignore: false });
    case "File":
      return isRemote() ? on("address", { value: text }, inField) : hostFile(session, { path: path() });
    case "GitRef":
    case "GitRepository":
    case "Service":
      return on("address", { value: text }, inField);
    case "Secret":
      return query("secret", { uri: secretUri(engine, text, source) });
    case "Container":
      return on("container", {}, "from", { address: text });
    case "CacheVolume":
      return query("cacheVolume", { key: text });
    case "Socket":
      return on("host", {}, "unixSocket", { path: path() });
    default:
      throw new UserError(
        `${source.label}: the embedded engine's command line cannot take a ${name}; use the official engine`,
      );
  }
}

/** A bare name is that of an environment variable, as in the official CLI; never the secret itself. */
function secretUri(engine: Engine, text: string, source: ValueSource): string {
  if (/^(env|file|cmd|vault|op|aws|gcp|libsecret):/.test(text)) return text;
  // The text may be the secret itself, passed by mistake: it is not repeated.
  if (/^[A-Za-z_]\w*$/.test(text)) {
    engine.session.progress.note(
      `deprecation: missing URI scheme in secret argument ${source.label}. Add env:// prefix to prevent errors in future versions`,
    );
    return `env://${text}`;
  }
  throw new UserError(
    `${source.label} takes a secret from env://NAME, file://PATH or cmd://COMMAND, not its plain text`,
  );
}
