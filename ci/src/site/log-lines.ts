/** What a user asks for. */
export interface LogQuestion {
  /** "" for all services. */
  service: string;
  /** The least grave level, "" for all. */
  level: string;
  /** LogQL: a whole query, or what follows the selector; "" for none. */
  query: string;
}

/** A line as it is shown. */
export interface LogLine {
  /** Nanoseconds since 1970. */
  at: bigint;
  service: string;
  level: string;
  message: string;
  requestId: string;
  /** Equal for copies of one line. */
  key: string;
}

const levels = ["debug", "info", "warn", "error", "fatal"];

/** @throws Error, one line, for what is not a number and one of s, m, h, d. */
export function parseSince(since: string): number {
  const [, number, unit] = /^(\d+)([smhd])$/.exec(since) ?? [];
  if (!number || !unit)
    throw new Error(`--since ${JSON.stringify(since)}: give a number and s, m, h or d, such as 1h`);
  return Number(number) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? 0);
}

/** The level and the graver ones. @throws Error, one line, for an unknown level. */
export function levelsFrom(level: string): string[] {
  if (level === "") return levels;
  if (!levels.includes(level))
    throw new Error(`--level ${JSON.stringify(level)}: the levels are ${levels.join(", ")}`);
  return levels.slice(levels.indexOf(level));
}

/**
 * The question as LogQL. Labels are those that any Loki gives OTLP resources; the level is asked for as a field, because not
 * every Loki makes a label of it.
 * @throws Error, one line, for options that exclude each other.
 */
export function toLogQL({ service, level, query }: LogQuestion, environment: string): string {
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

/**
 * What the machine answers: a line `store` or `files REASON`, then the rest. Docker or SSH may have had something to say before.
 * @throws Error, one line, where neither comes.
 */
export function splitAnswer(output: string): { source: string; rest: string } {
  const found = /^(store|files .*)\n/m.exec(output);
  if (!found)
    throw new Error(`the machine answered with something else than log lines: ${output.slice(0, 200)}`);
  return { source: found[1] ?? "", rest: output.slice(found.index + found[0].length) };
}

interface Stream {
  stream: Record<string, string>;
  values: [string, string][];
}

/** Reads Loki's answer to query_range. */
export function parseStore(answer: string): LogLine[] {
  const streams: Stream[] = JSON.parse(answer).data.result;
  return streams.flatMap(({ stream, values }) =>
    values.map(([at, message]) => ({
      at: BigInt(at),
      service: stream.service_name ?? "",
      level: stream.level ?? stream.detected_level ?? "",
      message,
      requestId: stream.request_id ?? "",
      key: stream.log_record_uid ?? `${at} ${stream.service_name} ${message}`,
    })),
  );
}

/** Reads SERVICE CONTAINER TIME TEXT lines of Docker's own files. */
export function parseFiles(text: string): LogLine[] {
  return text.split("\n").flatMap((line) => {
    const [, service = "", container, time = "", rest = ""] =
      /^(\S+) (\S+) (\d{4}-\S+Z) ?(.*)$/.exec(line) ?? [];
    return container ? [{ ...readText(rest), at: toNanoseconds(time), service, key: line }] : [];
  });
}

/** A line in JSON has its level and message in it. */
function readText(text: string): Pick<LogLine, "level" | "message" | "requestId"> {
  try {
    const { level, message, request_id: requestId, exception } = JSON.parse(text);
    if (level !== undefined) {
      const words = [message ?? text, exception].filter(Boolean).join("\n");
      return { level: nameOf(String(level)), message: words, requestId: requestId ?? "" };
    }
  } catch {
    // Plain text.
  }
  const [, level = ""] =
    /^.{0,60}?\b(DEBUG|INFO|LOG|WARN|WARNING|ERROR|FATAL|PANIC|CRITICAL)\b/.exec(text) ?? [];
  return { level: nameOf(level), message: text, requestId: "" };
}

function nameOf(level: string): string {
  const name = level.toLowerCase();
  return { warning: "warn", critical: "fatal", panic: "fatal", log: "info", "": "info" }[name] ?? name;
}

function toNanoseconds(time: string): bigint {
  const [seconds = "", fraction = ""] = time.slice(0, -1).split(".");
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** In the order of their time, the newest `limit` of them, each once. */
export function arrange(lines: readonly LogLine[], limit: number): LogLine[] {
  const once = [...new Map(lines.map((line) => [line.key, line])).values()];
  const byTime = once.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  return byTime.slice(-limit);
}

/** As `2026-11-24T21:04:23.821Z app error message request_id=r-1`; further lines of a message are indented. */
export function formatLine({ at, service, level, message, requestId }: LogLine): string {
  const time = new Date(Number(at / 1_000_000n)).toISOString();
  const id = requestId && requestId !== "-" ? ` request_id=${requestId}` : "";
  const [first = "", ...rest] = message.trimEnd().split("\n");
  return [
    `${time} ${service.padEnd(8)} ${level.padEnd(5)} ${first}${id}`,
    ...rest.map((line) => `  ${line}`),
  ].join("\n");
}
