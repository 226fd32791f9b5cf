/** Selects log lines. */
export interface LogQuery {
  /** "" for all services. */
  service: string;
  /** Minimum level, "" for all. */
  level: string;
  /** LogQL: a whole query, or what follows the selector; "" for none. */
  query: string;
}

const levels = ["debug", "info", "warn", "error", "fatal"];

/** @returns seconds. @throws Error, one line, unless it is a number and one of s, m, h, d. */
export function parseSince(since: string): number {
  const [, number, unit] = /^(\d+)([smhd])$/.exec(since) ?? [];
  if (!number || !unit)
    throw new Error(`--since ${JSON.stringify(since)}: give a number and s, m, h or d, such as 1h`);
  return Number(number) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? 0);
}

/** The level and all higher ones. @throws Error, one line, for an unknown level. */
export function levelsFrom(level: string): string[] {
  if (level === "") return levels;
  if (!levels.includes(level))
    throw new Error(`--level ${JSON.stringify(level)}: the levels are ${levels.join(", ")}`);
  return levels.slice(levels.indexOf(level));
}

/**
 * The query in LogQL. The labels are those that every Loki derives from OTLP resources; the level is a field filter, because
 * not every Loki has a label for it.
 * @throws Error, one line, for options that exclude each other.
 */
export function toLogQL({ service, level, query }: LogQuery, environment: string): string {
  if (query.startsWith("{")) {
    if (service || level)
      throw new Error("--query with a selector of its own stands alone: leave out --service and --level");
    return query;
  }
  const labels = {
    service_namespace: "stackline",
    deployment_environment_name: environment,
    service_name: service,
  };
  const matchers = Object.entries(labels).flatMap(([name, value]) =>
    value ? `${name}=${quote(value)}` : [],
  );
  const filter = level ? ` | level=~${quote(levelsFrom(level).join("|"))}` : "";
  return `{${matchers.join(", ")}}${filter}${query ? ` ${query}` : ""}`;
}

const quote = (text: string): string => JSON.stringify(text);
