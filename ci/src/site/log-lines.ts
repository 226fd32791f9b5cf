/** A parsed log line. */
export interface LogLine {
  /** Nanoseconds since 1970. */
  at: bigint;
  service: string;
  level: string;
  message: string;
  requestId: string;
  /** Equal for duplicates of a line. */
  key: string;
}

/**
 * Splits the output of `query-logs`: a line `store` or `files REASON`, then the log lines. Messages of Docker or SSH may come
 * first.
 * @throws Error, one line, without such a line.
 */
export function splitAnswer(output: string): { source: string; rest: string } {
  const found = /^(store|files .*)\n/m.exec(output);
  if (!found) throw new Error(`the machine returned no log lines but: ${output.slice(0, 200)}`);
  return { source: found[1] ?? "", rest: output.slice(found.index + found[0].length) };
}

interface Stream {
  stream: Record<string, string>;
  values: [string, string][];
}

/** Parses Loki's response to query_range. */
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

/** Parses SERVICE CONTAINER TIME TEXT lines from Docker's log files. */
export function parseFiles(text: string): LogLine[] {
  return text.split("\n").flatMap((line) => {
    const [, service = "", container, time = "", rest = ""] =
      /^(\S+) (\S+) (\d{4}-\S+Z) ?(.*)$/.exec(line) ?? [];
    return container ? [{ ...parseText(rest), at: toNanoseconds(time), service, key: line }] : [];
  });
}

/** Parses the level and message of a line in JSON or plain text. */
function parseText(text: string): Pick<LogLine, "level" | "message" | "requestId"> {
  try {
    const { level, message, request_id: requestId, exception } = JSON.parse(text);
    if (level !== undefined) {
      const full = [message ?? text, exception].filter(Boolean).join("\n");
      return { level: levelName(String(level)), message: full, requestId: requestId ?? "" };
    }
  } catch {
    // Plain text.
  }
  const [, level = ""] =
    /^.{0,60}?\b(DEBUG|INFO|LOG|WARN|WARNING|ERROR|FATAL|PANIC|CRITICAL)\b/.exec(text) ?? [];
  return { level: levelName(level), message: text, requestId: "" };
}

function levelName(level: string): string {
  const name = level.toLowerCase();
  return { warning: "warn", critical: "fatal", panic: "fatal", log: "info", "": "info" }[name] ?? name;
}

function toNanoseconds(time: string): bigint {
  const [seconds = "", fraction = ""] = time.slice(0, -1).split(".");
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** The newest `limit` lines, sorted by time, without duplicates. */
export function arrange(lines: readonly LogLine[], limit: number): LogLine[] {
  const unique = [...new Map(lines.map((line) => [line.key, line])).values()];
  const byTime = unique.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  return byTime.slice(-limit);
}

/** For example `2026-11-24T21:04:23.821Z app error message request_id=r-1`; further lines of a message are indented. */
export function formatLine({ at, service, level, message, requestId }: LogLine): string {
  const time = new Date(Number(at / 1_000_000n)).toISOString();
  const id = requestId && requestId !== "-" ? ` request_id=${requestId}` : "";
  const [first = "", ...rest] = message.trimEnd().split("\n");
  return [
    `${time} ${service.padEnd(8)} ${level.padEnd(5)} ${first}${id}`,
    ...rest.map((line) => `  ${line}`),
  ].join("\n");
}
