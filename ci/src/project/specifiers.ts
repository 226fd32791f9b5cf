/** A declared package. */
export interface Requirement {
  /** Normalised: https://packaging.python.org/en/latest/specifications/name-normalization/ */
  name: string;
  extras: string[];
  /** As in PEP 440, ">=4.2,<5"; "" for any version. */
  specifier: string;
}

export function normalise(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/**
 * Reads one requirement of PEP 508, or a URL or path of pip's.
 * @returns undefined for what names no package, such as a path, and for what is only installed on Windows.
 */
export async function parseRequirement(text: string): Promise<Requirement | undefined> {
  if (isForWindows(text)) return undefined;
  const egg = /#(?:.*&)?egg=([\w.-]+)/.exec(text)?.[1];
  if (egg !== undefined) return { name: normalise(egg), extras: [], specifier: "" };
  // The library reads few kinds of URLs; a package's name stands before them.
  const [bare = ""] = text.split(/\s*;|\s*@\s*[a-z+]+:/);
  if (/:\/\/|^[./]/.test(bare)) return undefined;
  const { parsePipRequirementsLineLoosely: parse } = await import("pip-requirements-js");
  try {
    const requirement = parse(bare.replace(/,\s*$/, "").replace(/===?\s*\$\{.*$/, ""));
    if (!requirement) return undefined;
    const { name, extras = [], versionSpec = [] } = requirement;
    const specifier = versionSpec.map(({ operator, version }) => `${operator}${version ?? ""}`).join(",");
    return { name: normalise(name), extras, specifier };
  } catch {
    return undefined;
  }
}

/** Whether a marker restricts a requirement to Windows. */
export function isForWindows(text: string): boolean {
  const [, marker = ""] = text.split(";");
  const windows = /(sys_platform|platform_system|os_name)\s*===?\s*["'](win32|Windows|nt)["']/;
  return windows.test(marker) && !/\bor\b/.test(marker);
}

/** Poetry's constraints as specifiers of PEP 440, one for each alternative: "^3.10" becomes ">=3.10,<4". */
export function fromPoetry(constraint: string): string[] {
  return constraint.split(/\s*\|\|?\s*/).map((alternative) =>
    alternative
      .trim()
      .split(/\s*,\s*|\s+(?=[<>=!~^])/)
      .map((part) => part.replace(/\s/g, ""))
      .map(translate)
      .filter(Boolean)
      .join(","),
  );
}

function translate(part: string): string {
  if (part === "*" || part === "") return "";
  const [, operator = "", version = ""] = /^(\^|~(?!=))?(.*)$/.exec(part) ?? [];
  if (operator === "") return /^\d/.test(part) ? `==${part}` : part;
  const numbers = version.split(".").map(Number);
  const firstOfAll = Math.max(
    0,
    numbers.findIndex((number) => number > 0),
  );
  const raised = operator === "^" ? firstOfAll : Math.min(1, numbers.length - 1);
  const next = numbers.slice(0, raised + 1).map((number, i) => (i === raised ? number + 1 : number));
  return `>=${version},<${next.join(".")}`;
}

/** Whether a version satisfies a specifier; what cannot be read is satisfied. */
export async function satisfies(version: string, specifier: string): Promise<boolean> {
  if (specifier === "") return true;
  const pep440 = await import("@renovatebot/pep440");
  if (!pep440.valid(version) || !pep440.validRange(specifier)) return true;
  return pep440.satisfies(version, specifier, { prereleases: true });
}

/** The lowest version that a specifier allows by ">=", "~=" or "==". */
export function lowerBound(specifier: string): string | undefined {
  return /(?:>=|~=|===?|>)\s*v?(\d+(?:\.\d+)*)/.exec(specifier)?.[1];
}
