import { type Fact, found, guessed } from "./fact.js";
import { type Files, withParents } from "./files.js";
import type { SettingsFile } from "./settings.js";

/** Packages whose worker is a management command. */
const workers: Record<string, string> = {
  "django-rq": "rqworker default",
  "django-q": "qcluster",
  "django-q2": "qcluster",
  huey: "run_huey",
  "django-dramatiq": "rundramatiq",
  procrastinate: "procrastinate worker",
  "django-background-tasks": "process_tasks",
  "django-background-tasks-updated": "process_tasks",
};

type Processes = Record<string, Fact<string>>;

/** What runs beside the web server: Celery's worker and beat, other task queues, and the lines of a Procfile. */
export async function findProcesses(
  files: Files,
  folder: string,
  celery: Fact<string> | undefined,
  packages: Record<string, Fact<string>>,
  settings: SettingsFile[],
): Promise<Processes> {
  const processes: Processes = {};
  if (celery?.value) {
    processes.worker = { ...celery, value: `celery --app=${celery.value} worker` };
    const beat = await findBeat(files, celery, packages, settings);
    if (beat) processes.beat = { ...beat, value: `celery --app=${celery.value} beat` };
  }
  const named = await fromProcfile(files, folder, celery !== undefined);
  const isNamed = (command: string): boolean =>
    Object.values(named).some(({ value }) => value.includes(command.split(" ")[0] as string));
  for (const [name, command] of Object.entries(workers)) {
    const fact = packages[name];
    if (fact?.file && !isNamed(command))
      processes[name.replace(/^django-/, "")] = {
        ...fact,
        origin: "guessed",
        value: `python manage.py ${command}`,
      };
  }
  return { ...processes, ...named };
}

/** A schedule in the settings or beside Celery's application, or one in the database. */
async function findBeat(
  files: Files,
  celery: Fact<string>,
  packages: Record<string, Fact<string>>,
  settings: SettingsFile[],
): Promise<Fact<string> | undefined> {
  const app = celery.file?.endsWith(".py")
    ? [{ path: celery.file, source: await files.python(celery.file) }]
    : [];
  for (const { path, source } of [...settings, ...app]) {
    const name = [
      "CELERY_BEAT_SCHEDULE",
      "CELERYBEAT_SCHEDULE",
      "app.conf.beat_schedule",
      "beat_schedule",
    ].find((item) => source.defines(item));
    if (name) return guessed(name, { file: path });
  }
  const stored = packages["django-celery-beat"] ?? packages["celery-redbeat"];
  return stored && { ...stored, origin: "guessed" };
}

/** Names that other facts stand for already. */
const known = /^(web|release)$/;

/** What a Procfile for development starts beside the server. */
const forDevelopment =
  /\bwatch\b|\brunserver|\b(npm|yarn|pnpm) (run )?(dev|start)\b|livereload|browser-sync|storybook/;

async function fromProcfile(files: Files, folder: string, hasCelery: boolean): Promise<Processes> {
  const isOther = ([name, { value }]: [string, Fact<string>]): boolean =>
    !known.test(name) &&
    !(hasCelery && /\bcelery\b.*\b(worker|beat)\b/.test(value)) &&
    !forDevelopment.test(value);
  return Object.fromEntries(Object.entries(await procfile(files, folder)).filter(isOther));
}

/** What a Procfile runs at a release, unless these are the migrations alone. */
export async function findRelease(files: Files, folder: string): Promise<Fact<string[]> | undefined> {
  const { release } = await procfile(files, folder);
  const isMigration = /^python3? (\S*\/)?manage\.py migrate( --no-?input)?$/.test(release?.value ?? "");
  return release && !isMigration ? { ...release, value: [release.value] } : undefined;
}

/** Its lines by name. */
async function procfile(files: Files, folder: string): Promise<Processes> {
  const path = files.firstOf(withParents(folder), ["Procfile"]);
  const lines: Processes = {};
  for (const [i, line] of path ? (await files.text(path)).split("\n").entries() : []) {
    const [, name = "", command = ""] = /^([A-Za-z0-9_-]+):\s*(\S.*?)\s*$/.exec(line) ?? [];
    if (name) lines[name] = found(command, { file: path as string, line: i + 1 });
  }
  return lines;
}
