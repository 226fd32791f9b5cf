import { type Directory, dag } from "@dagger.io/dagger";
import type { Environment } from "./environment.js";

/** What a machine is told of a release. */
export interface ReleaseOptions {
  /** Reference of the image, by digest. */
  image: string;
  /** Whether the database is dumped before it is migrated. */
  backup: boolean;
  /** When it is sent, seconds since 1970: the machine holds its clock against it. */
  sent: number;
}

/** The files that a release consists of, for any machine. */
export function releaseFolder(
  source: Directory,
  environment: Environment,
  options: ReleaseOptions,
): Directory {
  const files = source.filter({
    include: ["docker-compose.prod.yml", "nginx/**", "scripts/postgres/**", "logs/**"],
    exclude: ["nginx/switch/*", "nginx/maintenance/on"],
  });
  return dag
    .directory()
    .withDirectory("/", files)
    .withNewFile("release.env", releaseSettings(environment, options));
}

/**
 * NAME=VALUE lines: settings of docker-compose.prod.yml, and STACKLINE_... for the scripts on the machine. The environment's
 * own settings come last and have the last word.
 */
export function releaseSettings(environment: Environment, { image, backup, sent }: ReleaseOptions): string {
  const settings = {
    APP_IMAGE: image,
    ENVIRONMENT: environment.name,
    ...siteSettings(environment.url),
    ...environment.settings,
    STACKLINE_REPLICAS: environment.replicas,
    STACKLINE_KEEP_RELEASES: environment.keepReleases,
    STACKLINE_KEEP_BACKUPS: environment.keepBackups,
    STACKLINE_URL: environment.url,
    STACKLINE_BACKUP: backup ? "yes" : "no",
    STACKLINE_SENT: sent,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  return lines.join("");
}

/** The names that the application answers to: the site's, and those that /checks is asked by on the machine. */
function siteSettings(url: string): Record<string, string> {
  const names = ["localhost", "127.0.0.1", "[::1]", "app", "nginx"];
  if (url === "") return { ALLOWED_HOSTS: names.join(",") };
  const { hostname, protocol, origin } = new URL(url);
  return {
    ALLOWED_HOSTS: [...names, hostname].join(","),
    CSRF_TRUSTED_ORIGINS: origin,
    HTTPS: String(protocol === "https:"),
  };
}
