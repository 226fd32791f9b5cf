import { pythonFor } from "./django-version.js";
import { type Fact, guessed } from "./fact.js";
import type { Files } from "./files.js";

/** The oldest that tox or a workflow of GitHub runs the tests on, and that Django supports. */
export async function testedVersion(
  files: Files,
  folders: string[],
  django: string | undefined,
  least: number,
): Promise<Fact<string> | undefined> {
  const { oldest, newest } = pythonFor(django);
  const usable = (minors: number[], file: string): Fact<string> | undefined => {
    const minor = minors
      .filter((item) => item >= Math.max(oldest, least) && item <= newest)
      .sort((a, b) => a - b)[0];
    return minor === undefined ? undefined : guessed(`3.${minor}`, { file });
  };
  const tox = files.firstOf(folders, ["tox.ini"]);
  const section = tox === undefined ? undefined : (await files.ini(tox)).tox;
  const environments = (section?.envlist ?? section?.env_list ?? "").replace(
    /\{([^}]*)\}/g,
    (_, list) => list,
  );
  const named = [...environments.matchAll(/(?:^|py|[\s,])3\.?(\d+)/g)].map(([, minor]) => Number(minor));
  const inTox = tox && usable(named, tox);
  if (inTox) return inTox;
  for (const path of files.paths.filter((item) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(item))) {
    if (!/\b(pytest|tox|manage\.py test|runtests)\b/.test(await files.text(path))) continue;
    const found = usable(versionsIn(await files.yaml(path)), path);
    if (found) return found;
  }
  return undefined;
}

/** The values of `python-version` anywhere in a workflow, as minor versions. */
function versionsIn(value: unknown, isVersion = false): number[] {
  if (typeof value === "string") {
    const [, minor] = (isVersion && /^3\.(\d+)/.exec(value)) || [];
    return minor === undefined ? [] : [Number(minor)];
  }
  if (Array.isArray(value)) return value.flatMap((item) => versionsIn(item, isVersion));
  return Object.entries(value ?? {}).flatMap(([key, item]) =>
    versionsIn(item, /^python([-_]?versions?)?$/i.test(key)),
  );
}
