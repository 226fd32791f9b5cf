import { type Directory, dag } from "@dagger.io/dagger";
import { normalise } from "./checkout.js";
import { COMPOSE } from "./compose-file.js";
import type { Environment } from "./environment.js";

/** Settings of a release that are not part of its environment. */
export interface ReleaseOptions {
  /** Reference of the image, by digest. */
  image: string;
  /** Whether to back up the database before the migration. */
  backup: boolean;
  /** The other images by digest: settings such as NGINX_IMAGE. Without it the machine uses the tags of the compose file. */
  upstream?: Record<string, string>;
  /** Time of the call in seconds since 1970: the machine compares it with its clock. */
  sent: number;
}

/** What a release has beside its compose file. */
export const releaseFiles = ["nginx/**", "scripts/postgres/**", "logs/**"];

/** The files of a release. @param compose what it has for a compose file (see `composeOf`). */
export function releaseFolder(
  source: Directory,
  environment: Environment,
  compose: string,
  options: ReleaseOptions,
): Directory {
  const files = source.filter({
    include: releaseFiles,
    exclude: ["nginx/switch/*", "nginx/maintenance/on"],
  });
  return dag
    .directory()
    .withDirectory("/", normalise(files))
    .withNewFile(COMPOSE, compose)
    .withNewFile("release.env", releaseSettings(environment, options));
}

/**
 * NAME=VALUE lines: settings of docker-compose.prod.yml, and STACKLINE_... for the scripts on the machine. The environment's
 * own settings override the derived ones; `upstream` already follows them.
 */
export function releaseSettings(environment: Environment, options: ReleaseOptions): string {
  const { image, backup, upstream, sent } = options;
  const settings = {
    APP_IMAGE: image,
    ENVIRONMENT: environment.name,
    ...urlSettings(environment.url),
    ...environment.settings,
    ...upstream,
    STACKLINE_REPLICAS: environment.replicas,
    STACKLINE_KEEP_RELEASES: environment.keepReleases,
    STACKLINE_KEEP_BACKUPS: environment.keepBackups,
    STACKLINE_APP_PATIENCE: environment.appPatience,
    STACKLINE_REQUEST_GRACE: environment.requestGrace,
    STACKLINE_TASK_GRACE: environment.taskGrace,
    STACKLINE_DISK_LEAST: environment.diskLeast,
    STACKLINE_LOCK_TIMEOUT: environment.lockTimeout,
    STACKLINE_STATEMENT_TIMEOUT: environment.statementTimeout,
    STACKLINE_MIGRATION_TRIES: environment.migrationTries,
    STACKLINE_CHECK_HOST: environment.checkHost,
    STACKLINE_URL: environment.url,
    STACKLINE_BACKUP: backup ? "yes" : "no",
    STACKLINE_SENT: sent,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  return lines.join("");
}

/** Host names that the application accepts: the site's own, and those by which the machine itself requests /checks. */
function urlSettings(url: string): Record<string, string> {
  const names = ["localhost", "127.0.0.1", "[::1]", "app", "nginx"];
  if (url === "") return { ALLOWED_HOSTS: names.join(",") };
  const { hostname, protocol, origin } = new URL(url);
  return {
    ALLOWED_HOSTS: [...names, hostname].join(","),
    CSRF_TRUSTED_ORIGINS: origin,
    HTTPS: String(protocol === "https:"),
  };
}
