import { parseDocument } from "yaml";
import { ignored } from "../ignored.js";
import { buildArguments } from "../packaging/build-arguments.js";
import { generated } from "../packaging/context.js";
import type { Project } from "../project/project.js";
import { style, tailor, tailoringFor } from "../site/compose-file.js";

/** A name for the project's database and image: the package of its settings. */
export function nameOf({ productionSettings, settings }: Project): string {
  const [name = ""] = (productionSettings.value || settings.value).toLowerCase().split(".");
  return name.replace(/^_+|_+$/g, "") || "app";
}

/** For development: those that manage.py names. */
const settingsOf = ({ settings, productionSettings }: Project): string =>
  settings.value || productionSettings.value;

/** The image of a project that has a Dockerfile of its own. */
export const ownImage = (project: Project): string => `${nameOf(project)}:development`;

/**
 * The compose file for development of a project at the top of its repository. Its image has the packages for tests, too.
 * @param compose this repository's docker-compose.yml.
 */
export function developmentCompose(compose: string, project: Project): string {
  const name = nameOf(project);
  const named = compose
    .replaceAll("devops_001", name)
    .replaceAll("./app:", ".:")
    .replace("sources in app/", "sources");
  // The commands of a release change data: they are for production.
  const file = parseDocument(tailor(named, { ...tailoringFor(project, {}), release: [] }), { merge: true });
  const application = (...path: string[]): string[] => ["x-application", ...path];
  if (project.dockerfile) {
    for (const key of ["build", "pull_policy"]) file.deleteIn(application(key));
    file.setIn(application("image"), ownImage(project));
  } else {
    file.setIn(application("build", "args"), file.createNode(argumentsOf(project)));
  }
  for (const [variable, value] of Object.entries(variablesOf(project)))
    file.setIn(application("environment", variable), value);
  return file.toString({ ...style, nullStr: "" });
}

function argumentsOf(project: Project): Record<string, string> {
  const { SETTINGS: _, ...others } = buildArguments(project, "test");
  return { APP: ".", SETTINGS: settingsOf(project), ...others };
}

/** Null hands a variable on, if a .env file or the shell has it. */
function variablesOf(project: Project): Record<string, string | null> {
  return {
    DJANGO_SETTINGS_MODULE: settingsOf(project),
    SECRET_KEY: orDefault("SECRET_KEY", "development"),
    ALLOWED_HOSTS: orDefault("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],app"),
    // For the variables without which the settings cannot be imported.
    STACKLINE_PLACEHOLDERS: "1",
    ...Object.fromEntries(openVariables(project).map((name) => [name, null])),
  };
}

const orDefault = (name: string, value: string): string => `\${${name}:-${value}}`;

/** Names that the stack sets (ci/image/variables.py derives most of them). */
export const stackVariables = `
  POSTGRES_DB POSTGRES_USER POSTGRES_PASSWORD POSTGRES_HOST POSTGRES_PORT
  DATABASE_URL DATABASE_NAME DATABASE_USER DATABASE_PASSWORD DATABASE_HOST DATABASE_PORT
  DB_NAME DB_USER DB_PASSWORD DB_HOST DB_PORT PGDATABASE PGUSER PGPASSWORD PGHOST PGPORT
  REDIS_HOST REDIS_PORT REDIS_URL CELERY_BROKER_URL CACHE_URL
  KAFKA_HOST KAFKA_PORT KAFKA_BOOTSTRAP_SERVERS KAFKA_BROKERS
  SECRET_KEY DJANGO_SECRET_KEY ALLOWED_HOSTS DJANGO_ALLOWED_HOSTS
  DJANGO_SETTINGS_MODULE DEBUG PORT LOG_LEVEL`
  .trim()
  .split(/\s+/);

/** The variables that the project documents and nothing here gives a value. */
export function openVariables({ environmentNames, environment }: Project): string[] {
  const names = environmentNames.map(({ value }) => value);
  return names.filter((name) => !stackVariables.includes(name) && !Object.hasOwn(environment, name));
}

/** Compose 1.29 knows no `[^...]` in it; of the names that begin with .env the image needs none. */
export const dockerignore = [
  "# Secrets, generated files and what has no place in an image. ci/image has to be in the build context.",
  ...ignored.filter((pattern) => !pattern.startsWith("**/.env")),
  "**/.env*",
  ...generated.filter((pattern) => !ignored.includes(pattern)),
  "",
].join("\n");
