import { arrange, formatLine, type LogLine, parseFiles, parseStore, splitAnswer } from "./log-lines.js";
import { type LogQuery, levelsFrom, parseSince, toLogQL } from "./log-query.js";
import { type Connection, queryRemote } from "./ssh-connection.js";
import { connectTo, type Target } from "./target.js";

export interface LogOptions extends LogQuery {
  since: string;
  limit: number;
  follow: boolean;
}

/** Loki's own limit; it also bounds memory. */
const MAX_LINES = 5000;
/** Overlap of successive queries while following, ns: lines can arrive late, and duplicates are removed by key. */
const OVERLAP = 15_000_000_000n;
const PAUSE = 2000; // ms

interface Window {
  start: bigint;
  end: bigint;
}

interface Found {
  lines: LogLine[];
  /** Why the lines come from the log files; "" if they come from the store. */
  reason: string;
}

/**
 * The log lines of an environment, oldest first, each once. If the log store does not answer, they come from Docker's log
 * files on the machine, and the first line says so.
 *
 * With `follow` new lines are printed until the call is interrupted.
 */
export async function readLogs(target: Target, options: LogOptions): Promise<string> {
  const seconds = parseSince(options.since);
  levelsFrom(options.level);
  if (!Number.isInteger(options.limit) || options.limit < 1 || options.limit > MAX_LINES)
    throw new Error(`--limit ${options.limit}: give a whole number from 1 to ${MAX_LINES}`);
  const connection = await connectTo(target);
  const logql = toLogQL(options, connection.environment.name);
  const query = (window: Window) => findLines(connection, logql, window, options);
  const start = now() - BigInt(seconds) * 1_000_000_000n;
  if (options.follow) return follow(query, start, options.limit);
  const { lines, reason } = await query({ start, end: now() });
  return [...notice(reason), ...arrange(lines, options.limit).map(formatLine), ""].join("\n");
}

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

const notice = (reason: string): string[] =>
  reason ? [`# from the files on the machine: ${reason}; --query does not work on them`] : [];

async function findLines(
  connection: Connection,
  logql: string,
  { start, end }: Window,
  options: LogOptions,
): Promise<Found> {
  const args = [logql, String(start), String(end), String(options.limit), "backward", options.service];
  const output = await queryRemote(connection, ["query-logs", ...args]);
  const { source, rest } = splitAnswer(output);
  if (source === "store") return { lines: parseStore(rest), reason: "" };
  const wanted = levelsFrom(options.level);
  const lines = parseFiles(rest).filter(({ level }) => options.level === "" || wanted.includes(level));
  return { lines, reason: source.slice("files ".length) };
}

async function follow(
  query: (window: Window) => Promise<Found>,
  from: bigint,
  limit: number,
): Promise<string> {
  const seen = new Set<string>();
  let [start, shown] = [from, ""];
  for (;;) {
    const end = now();
    const { lines, reason } = await query({ start, end });
    if (reason !== shown) for (const line of notice(reason)) console.log(line);
    shown = reason;
    for (const line of arrange(lines, limit)) {
      if (!seen.has(line.key)) console.log(formatLine(line));
      seen.add(line.key);
    }
    start = end - OVERLAP > from ? end - OVERLAP : from;
    await new Promise((wake) => setTimeout(wake, PAUSE));
  }
}
