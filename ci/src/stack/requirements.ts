import { posix } from "node:path";
import type { Directory } from "@dagger.io/dagger";

/** A local path in a requirements file. */
export interface NamedPath {
  line: number;
  path: string;
  /** Whether the path is of another requirements or constraints file (-r, -c), and relative to the file that names it. */
  isFile: boolean;
}

/** What a requirements file names, and the line of the first URL with credentials. */
export interface Requirements {
  paths: NamedPath[];
  credentials?: number;
}

/** In ssh://git@host, "git" is not a secret. */
const credentials = /https?:\/\/[^/\s@]+@/i;
const nestedFile = /^(?:-r|--requirement|-c|--constraint)[\s=]*(\S.*)$/;
const editable = /^(?:-e|--editable)[\s=]*/;
const archive = /\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$/;

/** Reads pip's format: https://pip.pypa.io/en/stable/reference/requirements-file-format/ */
export function parseRequirements(text: string): Requirements {
  const found: Requirements = { paths: [] };
  for (const { line, text: content } of logicalLines(text)) {
    // In comments, too: they would be in the image as well.
    if (found.credentials === undefined && credentials.test(content)) found.credentials = line;
    const stripped = content.replace(/(^|\s)#.*$/, "").trim();
    const nested = nestedFile.exec(stripped)?.[1]?.replace(/^(["'])(.*)\1$/, "$2");
    const path = nested ?? localPath(stripped.replace(editable, ""));
    if (path !== "" && !path.includes("://")) found.paths.push({ line, path, isFile: nested !== undefined });
  }
  return found;
}

/** Lines with their continuations. Without the zero bytes and marks of UTF-16, which pip reads as well. */
function logicalLines(text: string): { line: number; text: string }[] {
  const found: { line: number; text: string }[] = [];
  let continued = false;
  for (const [i, raw] of text
    .replace(/[\0\ufeff\ufffd]/g, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const last = found.at(-1);
    const continues = raw.endsWith("\\") && !/^\s*#/.test(raw);
    const content = continues ? raw.slice(0, -1) : raw;
    if (continued && last) last.text += content;
    else found.push({ line: i + 1, text: content });
    continued = continues;
  }
  return found;
}

/** The path of a requirement such as "./libs/orders[extra] ; marker", or "". */
function localPath(requirement: string): string {
  const [path = ""] = requirement.split(/\s*;|\[|#|\s+--/);
  return path.startsWith(".") || archive.test(path) ? path.trim() : "";
}

/**
 * Checks requirements.txt and the files that it names.
 * @throws Error with file and line for a URL with credentials, which the image would contain, and for a path that is missing.
 */
export async function checkRequirements(app: Directory): Promise<void> {
  const seen = new Set(["requirements.txt"]);
  if (!(await app.exists("requirements.txt"))) return;
  for (const file of seen) {
    const { paths, credentials: line } = parseRequirements(await app.file(file).contents());
    if (line !== undefined) {
      throw new Error(
        `${file}:${line}: the URL contains a user name or password, which would be in the image: remove them and pass them with --netrc=file://PATH`,
      );
    }
    for (const named of paths) {
      const path = await requirePath(app, file, named);
      if (named.isFile) seen.add(path);
    }
  }
}

async function requirePath(app: Directory, file: string, { line, path, isFile }: NamedPath): Promise<string> {
  const inApp = posix.join(isFile ? posix.dirname(file) : ".", path);
  if (/^(\.\.)?\//.test(inApp))
    throw new Error(`${file}:${line}: ${path} is outside the application's folder`);
  if (!(await app.exists(inApp))) throw new Error(`${file}:${line}: no such file or directory: ${path}`);
  return inApp;
}
