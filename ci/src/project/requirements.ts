/** A local path in a requirements file. */
export interface NamedPath {
  line: number;
  path: string;
  /** Whether the path is of another requirements or constraints file (-r, -c), and relative to the file that names it. */
  isFile: boolean;
  /** Whether that file only limits versions (-c). */
  isConstraint: boolean;
}

/** A requirement as it is written, without comment and options: "django>=4 ; python_version > '3.8'". */
export interface RequirementLine {
  line: number;
  text: string;
}

/** What a requirements file names, and the line of the first URL with credentials. */
export interface Requirements {
  paths: NamedPath[];
  requirements: RequirementLine[];
  credentials?: number;
}

/** In ssh://git@host, "git" is not a secret. */
const credentials = /https?:\/\/[^/\s@]+@/i;
const nestedFile = /^(-r|--requirement|-c|--constraint)[\s=]*(\S.*)$/;
const editable = /^(?:-e|--editable)[\s=]*/;
const archive = /\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$/;

/** Reads pip's format: https://pip.pypa.io/en/stable/reference/requirements-file-format/ */
export function parseRequirements(text: string): Requirements {
  const found: Requirements = { paths: [], requirements: [] };
  for (const { line, text: content } of logicalLines(text)) {
    // In comments, too: they would be in the image as well.
    if (found.credentials === undefined && credentials.test(content)) found.credentials = line;
    const stripped = content.replace(/(^|\s)#.*$/, "").trim();
    const [, option, file] = nestedFile.exec(stripped) ?? [];
    const requirement = stripped.replace(editable, "");
    const path = file?.replace(/^(["'])(.*)\1$/, "$2") ?? localPath(requirement);
    if (path !== "" && !path.includes("://")) {
      const isConstraint = option === "-c" || option === "--constraint";
      found.paths.push({ line, path, isFile: option !== undefined, isConstraint });
    }
    // Options of one requirement follow it: --hash, --config-settings.
    const [bare = ""] = requirement.split(/\s+--/);
    if (option === undefined && bare !== "" && !bare.startsWith("-"))
      found.requirements.push({ line, text: bare });
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
