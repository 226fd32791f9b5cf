import {
  arrange,
  formatLine,
  type LogLine,
  type LogQuestion,
  levelsFrom,
  parseFiles,
  parseSince,
  parseStore,
  splitAnswer,
  toLogQL,
} from "./log-lines.js";
import { type Connection, queryRemote } from "./ssh-connection.js";
import { connectTo, type Target } from "./target.js";

export interface LogOptions extends LogQuestion {
  since: string;
  limit: number;
  follow: boolean;
}

/** Loki's own bound; its answer has to fit into memory, too. */
const MOST = 5000;
/** How far back each look goes while following, ns: lines arrive a little late, and are known by their keys. */
const OVERLAP = 15_000_000_000n;
const PAUSE = 2000; // ms

interface Window {
  start: bigint;
  end: bigint;
}

interface Found {
  lines: LogLine[];
  /** Why the files were read instead of the store. */
  reason: string;
}

/**
 * The lines of an environment, oldest first, each once: from the log store, or from Docker's files on the machine where the
 * store does not answer, which a first line tells.
 *
 * With `follow` new lines are printed until the call is interrupted.
 */
export async function readLogs(target: Target, options: LogOptions): Promise<string> {
  const seconds = parseSince(options.since);
  levelsFrom(options.level);
  if (!Number.isInteger(options.limit) || options.limit < 1 || options.limit > MOST)
    throw new Error(`--limit ${options.limit}: give a whole number from 1 to ${MOST}`);
  const connection = await connectTo(target);
  const logql = toLogQL(options, connection.environment.name);
  const look = (window: Window) => find(connection, logql, window, options);
  const start = now() - BigInt(seconds) * 1_000_000_000n;
  if (options.follow) return follow(look, start, options.limit);
  const { lines, reason } = await look({ start, end: now() });
  return [...remark(reason), ...arrange(lines, options.limit).map(formatLine), ""].join("\n");
}

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

const remark = (reason: string): string[] =>
  reason ? [`# from the files on the machine: ${reason}; --query does not work on them`] : [];

async function find(
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
  look: (window: Window) => Promise<Found>,
  from: bigint,
  limit: number,
): Promise<string> {
  const seen = new Set<string>();
  let [start, told] = [from, ""];
  for (;;) {
    const end = now();
    const { lines, reason } = await look({ start, end });
    if (reason !== told) for (const line of remark(reason)) console.log(line);
    told = reason;
    for (const line of arrange(lines, limit)) {
      if (!seen.has(line.key)) console.log(formatLine(line));
      seen.add(line.key);
    }
    start = end - OVERLAP > from ? end - OVERLAP : from;
    await new Promise((wake) => setTimeout(wake, PAUSE));
  }
}
