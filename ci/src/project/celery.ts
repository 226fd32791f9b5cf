import { type Fact, guessed } from "./fact.js";
import { type Files, folderOf } from "./files.js";
import type { Modules } from "./modules.js";
import type { SettingsFile } from "./settings.js";

/** Where people create Celery's application, apart from the package of the settings. */
const names = /^(\w*celery\w*|celeryapp|tasks|task_app|task_queue|worker|app|queue)\.py$/;
const elsewhere = /(^|\/)(tests?|migrations|docs?)\//;

/** Celery's application, as `celery --app` takes it: "mysite.celery:app". */
export async function findCelery(
  files: Files,
  modules: Modules,
  settings: SettingsFile[],
): Promise<Fact<string> | undefined> {
  const near = new Set(settings.flatMap(({ path }) => [folderOf(path), folderOf(folderOf(path))]));
  const candidates = [
    ...files.named(names),
    // Packages beside the settings, such as mysite/celery/__init__.py.
    ...files.named("__init__.py").filter((path) => near.has(folderOf(path)) || /celery/.test(folderOf(path))),
  ].filter((path) => !elsewhere.test(path));
  const texts = await Promise.all(candidates.map((path) => files.text(path)));
  const likely = candidates.filter(
    (_, i) => /Celery\s*\(/.test(texts[i] ?? "") && /celery/.test(texts[i] ?? ""),
  );
  const ranked = likely.sort((a, b) => rank(a, near) - rank(b, near));
  for (const path of ranked) {
    const [variable] = (await files.python(path)).constructed(/(^|\.)\w*Celery$/);
    if (variable)
      return guessed(`${modules.name(path)}:${variable.text}`, { file: path, line: variable.line });
  }
  return undefined;
}

function rank(path: string, near: Set<string>): number {
  return (near.has(folderOf(path)) ? 0 : 2) + (/celery/.test(path) ? 0 : 1);
}
