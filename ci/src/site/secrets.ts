import { dag, type Secret } from "@dagger.io/dagger";
import { parseValue } from "./dotenv.js";
import { faultOfName } from "./names.js";

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
  // Empty for an application that has no such variables. This repository's derives a key from the database's secrets.
  SECRET_KEY: "",
  API_TOKEN: "",
  // Signs the backups in an object store; required with one.
  BACKUP_KEY: "",
  // For an external log store that requires it, and for Grafana, which starts only with the profile loki.
  LOGS_AUTHORIZATION: "",
  GRAFANA_PASSWORD: "",
};

const required = ["POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"];

/**
 * Names that PostgreSQL's image or a restore uses itself. scripts/host/lib/names.sh has the same rule, and its reasons.
 */
const usedNames: Record<string, [names: RegExp, list: string]> = {
  POSTGRES_DB: [
    /^(postgres|template[01]|(restoring|replaced)_.*)$/,
    "PostgreSQL or a restore uses itself (postgres, template0, template1, restoring_..., replaced_...)",
  ],
  POSTGRES_USER: [
    /^(postgres|public|none|pg_.*)$/,
    "PostgreSQL uses itself (postgres, public, none, pg_...)",
  ],
};

/** Names of all secrets of the stack. */
export const secretNames: readonly string[] = [...required, ...Object.keys(defaults)];

/**
 * Parses the secrets of a stack from NAME=VALUE lines. Empty lines and lines that begin with # are ignored.
 * @param settings names that belong to an environment's settings.
 * @throws Error, one line that contains no value, for an invalid line, a misspelt name, and for missing names.
 */
export function parseSecrets(text: string, settings: readonly string[] = []): Map<string, string> {
  const values = new Map(Object.entries(defaults));
  const rules = {
    known: secretNames,
    foreign: settings,
    elsewhere: 'in "settings" of environments/NAME.json',
  };
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const where = `--secrets: line ${at + 1}`;
    const [, name, value = ""] = /^(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`${where} is not NAME=VALUE, with the name in capital letters`);
    const fault = faultOfName(name, rules);
    if (fault !== undefined) throw new Error(`${where}: ${fault}`);
    values.set(name, readValue(value, `${where}: ${name}`));
  }
  const missing = required.filter((name) => !values.get(name));
  if (missing.length > 0) throw new Error(`--secrets: missing or empty: ${missing.join(", ")}`);
  checkNames(values);
  return values;
}

function checkNames(values: ReadonlyMap<string, string>): void {
  for (const [name, [used, list]] of Object.entries(usedNames)) {
    const value = values.get(name) ?? "";
    if (used.test(value)) throw new Error(`--secrets: ${name} is a name that ${list}: choose another`);
    if (Buffer.byteLength(value) > 63)
      throw new Error(`--secrets: ${name} is longer than PostgreSQL's 63 bytes: choose a shorter one`);
  }
}

function readValue(text: string, where: string): string {
  try {
    return parseValue(text);
  } catch (error) {
    throw new Error(`${where} ${(error as Error).message}`);
  }
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
export async function normaliseSecrets(secrets: Secret, settings: readonly string[]): Promise<StackSecrets> {
  return stackSecrets(parseSecrets(await secrets.plaintext(), settings));
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
