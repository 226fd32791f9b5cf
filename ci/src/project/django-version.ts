import type { Declared } from "./declared.js";
import { type Fact, found, guessed } from "./fact.js";
import type { Files } from "./files.js";
import { readLock } from "./lock.js";
import type { SettingsFile } from "./settings.js";
import { lowerBound } from "./specifiers.js";

/** Django's version: the locked or pinned one, the lowest that is allowed, or the one that generated the settings. */
export async function findDjango(
  files: Files,
  declared: Declared[],
  lock: string | undefined,
  settings: SettingsFile[],
): Promise<Fact<string> | undefined> {
  const [version] = (lock ? (await readLock(files, lock)).get("django") : undefined) ?? [];
  if (lock && version) return found(version, { file: lock });
  const django = declared.find(({ name }) => name === "django");
  const lowest = django && lowerBound(django.specifier);
  if (django && lowest !== undefined)
    return /^===?[^,*]+$/.test(django.specifier) ? found(lowest, django) : guessed(lowest, django);
  for (const { path, source } of settings) {
    const generated = source.texts().find(({ text }) => /startproject/.test(text));
    const [, number] = /Django (\d+\.\d+)/.exec(generated?.text ?? "") ?? [];
    if (generated && number) return guessed(number, { file: path, line: generated.line });
  }
  return undefined;
}

/** The Python versions, as minor versions of 3, that Django's versions support: docs.djangoproject.com/en/dev/faq/install. */
const supported: [django: number, oldest: number, newest: number][] = [
  [6.0, 12, 14],
  [5.2, 10, 14],
  [5.1, 10, 13],
  [5.0, 10, 12],
  [4.2, 8, 12],
  [4.1, 8, 11],
  [4.0, 8, 10],
  [3.2, 6, 10],
];

/** The oldest and newest minor version of Python 3 for a version of Django. */
export function pythonFor(django: string | undefined): { oldest: number; newest: number } {
  const version = Number.parseFloat(django ?? "");
  const [, oldest, newest] = supported.find(([from]) => version >= from) ?? [
    0,
    6,
    Number.isNaN(version) ? 14 : 9,
  ];
  return { oldest, newest };
}
