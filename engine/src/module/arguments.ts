import { posix, resolve } from "node:path";
import { hostDirectory, hostFile } from "../api/host.ts";
import type { ArgumentValue, FunctionValue } from "../api/types.ts";
import { type ArgValue, Call } from "../core/call.ts";
import { UserError } from "../core/errors.ts";
import type { DirectoryValue } from "../core/values.ts";
import type { Args } from "../session/context.ts";
import type { Session } from "../session/session.ts";
import { filterTree } from "../store/patterns.ts";
import type { ModuleConfig } from "./config.ts";

/** A function's arguments with defaults filled in and ignored paths removed. */
export async function fillDefaults(
  session: Session,
  config: ModuleConfig,
  fn: FunctionValue,
  args: Args,
): Promise<Args> {
  const result: Args = {};
  for (const arg of fn.args) {
    const value = args[arg.name] ?? null;
    result[arg.name] =
      value === null ? await defaultOf(session, config, arg) : await withoutIgnored(session, arg, value);
  }
  return result;
}

async function defaultOf(session: Session, config: ModuleConfig, arg: ArgumentValue): Promise<ArgValue> {
  if (arg.defaultValue !== undefined) return JSON.parse(arg.defaultValue) as ArgValue;
  if (arg.defaultAddress)
    return new Call("Container", new Call("Container", undefined, "container", { platform: null }), "from", {
      address: arg.defaultAddress,
      registryService: null,
    });
  if (!arg.defaultPath) return null;
  const path = contextPath(config, arg.defaultPath);
  if (arg.typeDef.name === "File") return hostFile(session, { path });
  return hostDirectory(session, { path, exclude: arg.ignore, include: [], gitignore: false });
}

/** Resolves a default path: absolute from the repository's root, relative from the module's; never outside it. */
function contextPath(config: ModuleConfig, path: string): string {
  const { root, contextRoot } = config;
  const full = posix.isAbsolute(path) ? resolve(contextRoot, `.${path}`) : resolve(root, path);
  if (full !== contextRoot && !full.startsWith(`${contextRoot}/`)) {
    throw new UserError(`default path ${path} is outside the repository: use a path inside it`);
  }
  return full;
}

async function withoutIgnored(session: Session, arg: ArgumentValue, value: ArgValue): Promise<ArgValue> {
  if (arg.ignore.length === 0 || !(value instanceof Call) || value.type !== "Directory") return value;
  const { tree } = await session.evaluate<DirectoryValue>(value);
  const filtered = filterTree(tree, { exclude: arg.ignore });
  if (filtered.digest === tree.digest) return value;
  return new Call("Directory", value, "filter", { exclude: arg.ignore, include: [], gitignore: false });
}
