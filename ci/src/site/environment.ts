import type { Directory } from "@dagger.io/dagger";
import { repositoryGrammar, repositoryRule } from "../pipeline/references.js";

/** An environment: its machine and the settings of its stack, from environments/NAME.json. */
export interface Environment {
  name: string;
  host: string;
  port: number;
  user: string;
  /** The machine's public key, as in "ssh-ed25519 AAAA...". */
  hostKey: string;
  /** The site's public address, or "". */
  url: string;
  repository: string;
  /** Folder on the machine. */
  directory: string;
  replicas: number;
  keepReleases: number;
  keepBackups: number;
  /** Ports of the machine that containers may connect to, besides 80 and 443. */
  containerPorts: number[];
  /** Seconds in which a new release must become healthy. */
  appPatience: number;
  /** Seconds that the old release's requests have to finish. */
  requestGrace: number;
  /** Seconds that running Celery tasks have to finish when their worker is replaced. */
  taskGrace: number;
  /** Megabytes of free disk space that a deploy requires. */
  diskLeast: number;
  /** Seconds that a migration waits for a lock, which all requests for the table do behind it; 0 for no limit. */
  lockTimeout: number;
  /** Seconds that a statement of a migration may take; 0 for no limit. */
  statementTimeout: number;
  /** How often a migration that got no lock is tried. */
  migrationTries: number;
  /** Host name by which the machine itself requests /checks. */
  checkHost: string;
  /** Variables of docker-compose.prod.yml. */
  settings: Record<string, string>;
  /** Environment variables of the application that are not confidential. */
  variables: Record<string, string>;
}

interface Field {
  /** Undefined for a required field. */
  fallback?: unknown;
  isValid(value: unknown): boolean;
  /** Completes "... must be". */
  rule: string;
}

const text = (pattern: RegExp, rule: string, fallback?: string): Field => ({
  fallback,
  isValid: (value) => typeof value === "string" && pattern.test(value),
  rule,
});

const whole = (least: number, most: number, fallback: number): Field => ({
  fallback,
  isValid: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  rule: `a whole number from ${least} to ${most}`,
});

const orNone = ({ fallback, isValid, rule }: Field): Field => ({
  fallback,
  isValid: (value) => value === 0 || isValid(value),
  rule: `${rule}, or 0 for no limit`,
});

/** The same rules as environments/schema.json, which editors use; a test compares the two. */
const fields: Record<Exclude<keyof Environment, "name">, Field> = {
  host: text(/^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, "a machine's name or address"),
  port: { fallback: 22, isValid: isPort, rule: "a whole number from 1 to 65535" },
  user: text(/^[a-z_][a-z0-9_-]{0,31}$/, "a user's name"),
  hostKey: text(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,2}$/,
    'the machine\'s public key, such as "ssh-ed25519 AAAA..." (ssh-keyscan -t ed25519 HOST prints it after the name)',
  ),
  url: text(
    /^(https?:\/\/[A-Za-z0-9.-]+(:[0-9]+)?)?$/,
    "an address such as https://shop.example.com, or empty",
    "",
  ),
  repository: text(repositoryGrammar, repositoryRule),
  directory: text(
    /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)+$/,
    'an absolute path without "." and ".." in it',
    "/srv/stackline",
  ),
  replicas: whole(1, 32, 1),
  keepReleases: whole(2, 100, 5),
  keepBackups: whole(1, 1000, 10),
  containerPorts: {
    fallback: [],
    isValid: (value) => Array.isArray(value) && value.every(isPort),
    rule: "a list of ports, such as [9100]",
  },
  appPatience: whole(10, 3600, 120),
  requestGrace: whole(1, 3600, 60),
  taskGrace: whole(1, 86_400, 300),
  diskLeast: whole(0, 1_000_000, 1024),
  // After 1 s (deadlock_timeout) PostgreSQL makes an autovacuum give way to the migration.
  lockTimeout: orNone(whole(2, 3600, 2)),
  statementTimeout: whole(0, 86_400, 0),
  migrationTries: whole(1, 100, 6),
  checkHost: text(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?$/, "a host name", "localhost"),
  settings: {
    fallback: {},
    isValid: isSettings,
    rule:
      'an object of texts, such as {"WEB_CONCURRENCY": "4"}; names that begin with APP_, SECRETS_ or STACKLINE_ belong to the ' +
      'deploy itself, and a text contains no $, no backslash, no quote or # at its start, no " #" and no space at its ends',
  },
  variables: {
    fallback: {},
    isValid: isVariables,
    rule: 'an object of texts, such as {"EMAIL_HOST": "mail.example.com"}; no name begins with STACKLINE_ or ends with _FILE',
  },
};

function isVariables(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const isOne = ([name, text]: [string, unknown]): boolean =>
    /^(?!STACKLINE_)[A-Za-z_][A-Za-z0-9_]*(?<!_FILE)$/.test(name) &&
    typeof text === "string" &&
    !text.includes("\0");
  return Object.entries(value).every(isOne);
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;
}

function isSettings(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const isOne = ([name, text]: [string, unknown]): boolean =>
    /^(?!(APP|SECRETS|STACKLINE)_)[A-Z][A-Z0-9_]*$/.test(name) &&
    typeof text === "string" &&
    // Read by compose as well as by the scripts on the machine: only what all of them read alike.
    /^(?!["'`#\s])(?!.*\s(#|$))[^\n\r$\\]*$/.test(text);
  return Object.entries(value).every(isOne);
}

/**
 * Reads environments/NAME.json.
 * @param open fields that may be missing or invalid, and are "" then.
 * @throws Error, one line, for an unknown name and for the first invalid field.
 */
export async function readEnvironment(
  environments: Directory,
  name: string,
  open: readonly string[] = [],
): Promise<Environment> {
  const names = (await environments.glob("*.json"))
    .filter((file) => file !== "schema.json")
    .map((file) => file.slice(0, -".json".length));
  if (!names.includes(name)) {
    throw new Error(
      `there is no environment ${JSON.stringify(name)}: environments/ has ${names.join(", ") || "none"}`,
    );
  }
  return parseEnvironment(name, await environments.file(`${name}.json`).contents(), open);
}

/** @throws Error, one line, for invalid JSON and for the first invalid field. */
export function parseEnvironment(name: string, json: string, open: readonly string[] = []): Environment {
  const file = `environments/${name}.json`;
  const given = parseObject(file, json);
  const known = Object.keys(fields);
  const unknown = Object.keys(given).find((key) => key !== "$schema" && !known.includes(key));
  if (unknown !== undefined)
    throw new Error(
      `${file}: there is no field ${JSON.stringify(unknown)}: the fields are ${known.join(", ")}`,
    );
  const readField = (key: string, field: Field): unknown =>
    open.includes(key) && !field.isValid(given[key]) ? "" : fieldOf(file, key, field, given[key]);
  const values = Object.entries(fields).map(([key, field]) => [key, readField(key, field)]);
  return { name, ...Object.fromEntries(values) };
}

function fieldOf(file: string, key: string, { fallback, isValid, rule }: Field, value: unknown): unknown {
  if (value === undefined && fallback !== undefined) return fallback;
  if (value === undefined) throw new Error(`${file}: ${key} is missing: it must be ${rule}`);
  if (!isValid(value)) throw new Error(`${file}: ${key} is ${JSON.stringify(value)}; it must be ${rule}`);
  return value;
}

function parseObject(file: string, json: string): Record<string, unknown> {
  try {
    const value = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (problem) {
    throw new Error(`${file} is not JSON: ${(problem as Error).message}`);
  }
  throw new Error(`${file} must contain one JSON object`);
}
