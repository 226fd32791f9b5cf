import { posix } from "node:path";
import type { TomlTable } from "smol-toml";
import { type Folder, ownPaths } from "./folder.js";
import { type Ini, parseIni } from "./ini.js";
import { type PythonSource, parsePython } from "./python-source.js";

/** A folder's own files. Each is read and parsed at most once. Libraries are loaded when the first file needs them. */
export class Files {
  readonly paths: readonly string[];
  private readonly known: Set<string>;
  private readonly results = new Map<string, Promise<unknown>>();

  constructor(private readonly folder: Folder) {
    this.paths = ownPaths(folder.paths).sort(byDepth);
    this.known = new Set(this.paths);
  }

  has(path: string): boolean {
    return this.known.has(path);
  }

  /** The paths whose last part is the name, or matches it; those nearest to the top first. */
  named(name: string | RegExp): string[] {
    const fits = (last: string): boolean => (typeof name === "string" ? last === name : name.test(last));
    return this.paths.filter((path) => fits(posix.basename(path)));
  }

  /** The first of some names that exists in the folders, in their order. */
  firstOf(folders: readonly string[], names: readonly string[]): string | undefined {
    const paths = folders.flatMap((folder) => names.map((name) => posix.join(folder, name)));
    return paths.find((path) => this.has(path));
  }

  text(path: string): Promise<string> {
    return this.once("text", path, async () => cleaned(await this.folder.read(path).catch(ofBrokenLink)));
  }

  /** @throws Error with file and line if it is not TOML. */
  toml(path: string): Promise<TomlTable> {
    return this.once("toml", path, async () => {
      const [{ parse }, text] = await Promise.all([import("smol-toml"), this.text(path)]);
      try {
        return parse(text);
      } catch (error) {
        const { line, message } = error as { line?: number; message: string };
        const [reason = ""] = message.replace(/^Invalid TOML document: /, "").split("\n");
        throw new Error(`${path}${line ? `:${line}` : ""}: not valid TOML: ${reason}`);
      }
    });
  }

  /** @throws Error with the file's name if it is not a JSON object. */
  json(path: string): Promise<Record<string, unknown>> {
    return this.once("json", path, async () => parseObject(path, await this.text(path)));
  }

  /** All scalars are texts, so that 3.10 keeps its zero; undefined if it is not YAML. */
  yaml(path: string): Promise<unknown> {
    return this.once("yaml", path, async () => {
      const [{ parseDocument }, text] = await Promise.all([import("yaml"), this.text(path)]);
      const document = parseDocument(text, { schema: "failsafe" });
      return document.errors.length > 0 ? undefined : document.toJS();
    });
  }

  ini(path: string): Promise<Ini> {
    return this.once("ini", path, async () => parseIni(await this.text(path)));
  }

  python(path: string): Promise<PythonSource> {
    return this.once("python", path, async () => parsePython(await this.text(path)));
  }

  private once<T>(kind: string, path: string, make: () => Promise<T>): Promise<T> {
    const key = `${kind} ${path}`;
    const known = this.results.get(key) ?? make();
    this.results.set(key, known);
    return known as Promise<T>;
  }
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path}: not valid JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error(`${path}: must contain one JSON object`);
}

/** A link that leads nowhere, out of the folder or to a directory is no file: the text is empty. */
function ofBrokenLink(error: Error): string {
  if (/no such file|not found|escapes|is a directory|not a (regular )?file/i.test(error.message)) return "";
  throw error;
}

/** Without the marks of UTF-16, which editors on Windows write, and with one kind of line end. */
function cleaned(text: string): string {
  return text.replace(/[\0\ufeff\ufffd]/g, "").replace(/\r\n?/g, "\n");
}

/** Names of Dockerfiles, such as Dockerfile.prod and web.Dockerfile; not of templates and of ignore files. */
export const dockerfile =
  /^(?:(?:.*\.)?(?:Dockerfile|Containerfile)|(?:Dockerfile|Containerfile)\.(?!j2$|jinja|tmpl|dockerignore)[\w-]+)$/i;

function byDepth(a: string, b: string): number {
  return a.split("/").length - b.split("/").length || (a < b ? -1 : 1);
}

/** A folder and those above it, nearest first, up to the project's own: "". */
export function withParents(folder: string): string[] {
  const parts = folder === "." ? [] : folder.split("/").filter(Boolean);
  return [...parts.map((_, i) => parts.slice(0, parts.length - i).join("/")), ""];
}

/** A path's folder; "" for the project's own. */
export function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? "" : folder;
}

/** The line of a text in another, from 1; undefined if it is not there. */
export function lineOf(text: string, part: string | RegExp): number | undefined {
  const index = typeof part === "string" ? text.indexOf(part) : text.search(part);
  return index < 0 ? undefined : text.slice(0, index).split("\n").length;
}
