import { dag, type Secret } from "@dagger.io/dagger";

/** Optional values and their defaults: the data services of docker-compose.prod.yml. */
const defaults: Record<string, string> = {
  DATABASE_HOST: "postgres",
  DATABASE_PORT: "5432",
  REDIS_HOST: "redis",
  REDIS_PORT: "6379",
  // Empty: Redis without a password, for an application that does not support one.
  REDIS_PASSWORD: "",
  KAFKA_HOST: "kafka",
  KAFKA_PORT: "9092",
  // Only this repository's application uses it.
  API_TOKEN: "",
  // Signs the backups in an object store; required with one.
  BACKUP_KEY: "",
  // For an external log store that requires it, and for Grafana, which starts only with the profile loki.
  LOGS_AUTHORIZATION: "",
  GRAFANA_PASSWORD: "",
};

const required = ["POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD", "SECRET_KEY"];

/**
 * Parses the secrets of a stack from NAME=VALUE lines. Empty lines and lines that begin with # are ignored; a value may be
 * quoted; nothing in it is expanded.
 * @throws Error, one line that contains no value, for an invalid line and for missing names.
 */
export function parseSecrets(text: string): Map<string, string> {
  const values = new Map(Object.entries(defaults));
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const found = /^(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
    if (!found) throw new Error(`--secrets: line ${at + 1} is not NAME=VALUE`);
    values.set(found[1] as string, unquote(found[2] as string));
  }
  const missing = required.filter((name) => !values.get(name));
  if (missing.length > 0) throw new Error(`--secrets: missing or empty: ${missing.join(", ")}`);
  return values;
}

function unquote(value: string): string {
  return /^(["']).*\1$/.test(value) && value.length > 1 ? value.slice(1, -1) : value;
}

/** The stack's secrets as a call sends them. */
export interface StackSecrets {
  /** NAME=VALUE lines. */
  lines: Secret;
  /** The same values one by one: an engine masks a secret's whole text in output, not what it consists of. */
  values: Secret[];
  /** NAME=VALUE lines of what has its default: words of ordinary output, such as postgres, which are not masked. */
  defaults: string;
}

/** Shortest value that is masked in output, in characters: shorter ones occur in ordinary words. */
const shortestMasked = 8;

/** @throws Error, one line that contains no value, as `parseSecrets`. */
export async function normaliseSecrets(secrets: Secret): Promise<StackSecrets> {
  return stackSecrets(parseSecrets(await secrets.plaintext()));
}

export function stackSecrets(values: ReadonlyMap<string, string>): StackSecrets {
  const linesOf = (entries: [string, string][]): string =>
    entries.map(([name, value]) => `${name}=${value}\n`).join("");
  const isDefault = ([name, value]: [string, string]): boolean => defaults[name] === value;
  const own = [...values].filter((entry) => !isDefault(entry));
  return {
    lines: dag.setSecret("stack", linesOf(own)),
    values: own
      .filter(([, value]) => value.length >= shortestMasked)
      .map(([name, value]) => dag.setSecret(`stack-${name}`, value)),
    defaults: linesOf([...values].filter(isDefault)),
  };
}
