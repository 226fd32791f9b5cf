import type { Declared } from "./declared.js";
import { describePlace } from "./fact.js";
import type { Files } from "./files.js";
import type { Manifest } from "./manifests.js";
import { parseRequirements } from "./requirements.js";
import { normalise, parseRequirement, satisfies } from "./specifiers.js";

/** Versions by normalised name; a package can be locked in several, for different platforms. */
type Locked = Map<string, string[]>;

const renew: Record<string, string> = {
  uv: "uv lock",
  poetry: "poetry lock",
  pdm: "pdm lock",
  Pipfile: "pipenv lock",
};

/** The packages of a lock file: uv.lock, poetry.lock, pdm.lock, pylock.toml or Pipfile.lock. */
export async function readLock(files: Files, path: string): Promise<Locked> {
  const locked: Locked = new Map();
  const add = (name: string, version = ""): unknown =>
    locked.set(normalise(name), [...(locked.get(normalise(name)) ?? []), version.replace(/^==/, "")]);
  if (path.endsWith("Pipfile.lock")) {
    const { _meta, ...sections } = await files.json(path);
    for (const section of Object.values(sections))
      for (const [name, item] of Object.entries(section as Record<string, { version?: string }>))
        add(name, item.version);
    return locked;
  }
  const document = await files.toml(path);
  const packages = (document.package ?? document.packages ?? []) as { name: string; version?: string }[];
  for (const { name, version } of packages) add(name, version);
  return locked;
}

/** Why a lock file does not belong to its manifest, or undefined: a declared package is missing, or has another version. */
export async function outdatedLock(
  files: Files,
  path: string,
  manifest: Manifest | undefined,
): Promise<string | undefined> {
  if (!manifest) return undefined;
  const locked = await readLock(files, path);
  const [tool = ""] = (path.split("/").at(-1) as string).split(".");
  const sets = tool === "pylock" ? [] : Object.values(manifest.groups);
  const declared = [...(manifest.main ?? []), ...sets.flat()];
  for (const item of declared) {
    const reason = await mismatch(item, locked.get(item.name));
    if (reason) {
      const advice = renew[tool] ? `: run \`${renew[tool]}\`` : "";
      return `${path} is out of date: ${describePlace(item)} asks for ${item.name}${item.specifier}, ${reason}${advice}`;
    }
  }
  return undefined;
}

async function mismatch(
  { specifier }: Declared,
  versions: string[] | undefined,
): Promise<string | undefined> {
  if (versions === undefined) return "which it does not contain";
  const known = versions.filter((version) => version !== "");
  if (known.length === 0) return undefined;
  for (const alternative of specifier.split(" || "))
    for (const version of known) if (await satisfies(version, alternative)) return undefined;
  return `which its version ${known.join(", ")} does not satisfy`;
}

/** The same for the files of pip-tools: requirements.in is what requirements.txt is compiled from. */
export async function outdatedRequirements(files: Files, path: string): Promise<string | undefined> {
  const source = path.replace(/\.txt$/, ".in");
  if (source === path || !files.has(source)) return undefined;
  const compiled = parseRequirements(await files.text(path)).requirements;
  const names = new Set(
    (await Promise.all(compiled.map(({ text }) => parseRequirement(text)))).map((item) => item?.name),
  );
  for (const { text, line } of parseRequirements(await files.text(source)).requirements) {
    const requirement = await parseRequirement(text);
    if (requirement && !names.has(requirement.name))
      return `${path} is out of date: ${source}:${line} asks for ${requirement.name}, which it does not contain: run \`pip-compile ${source}\``;
  }
  return undefined;
}
