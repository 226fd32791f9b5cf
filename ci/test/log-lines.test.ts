import { parser } from "@grafana/lezer-logql";
import { describe, expect, test } from "vitest";
import { arrange, formatLine, parseFiles, parseStore, splitAnswer } from "../src/site/log-lines.js";
import { levelsFrom, parseSince, toLogQL } from "../src/site/log-query.js";

const query = (given: object) => ({ service: "", level: "", query: "", ...given });
const SELECTOR = 'service_namespace="stackline", deployment_environment_name="prod"';

describe("a query in LogQL", () => {
  test.each([
    [{}, `{${SELECTOR}}`],
    [{ service: "app" }, `{${SELECTOR}, service_name="app"}`],
    [{ service: "app", level: "error" }, `{${SELECTOR}, service_name="app"} | level=~"error|fatal"`],
    [{ query: '|= "timeout"' }, `{${SELECTOR}} |= "timeout"`],
    [{ query: '{a="b"} |= "c"' }, '{a="b"} |= "c"'],
    [{ service: 'a"} or {b' }, `{${SELECTOR}, service_name="a\\"} or {b"}`],
  ])("%j", (given, expected) => {
    const logql = toLogQL(query(given), "prod");
    expect(logql).toBe(expected);
    let mistakes = 0;
    parser.parse(logql).iterate({ enter: ({ type }) => void (type.isError && mistakes++) });
    expect(mistakes).toBe(0);
  });

  test("with its own selector excludes --service and --level", () => {
    expect(() => toLogQL(query({ query: '{a="b"}', service: "app" }), "prod")).toThrow(
      "leave out --service and --level",
    );
  });

  test.each(["", "1", "h", "1w", "-1h"])("--since %j is rejected with an example", (since) => {
    expect(() => parseSince(since)).toThrow("such as 1h");
  });

  test("--level includes higher levels", () => {
    expect(levelsFrom("warn")).toEqual(["warn", "error", "fatal"]);
    expect(() => levelsFrom("bad")).toThrow("the levels are debug, info, warn, error, fatal");
    expect(["30s", "5m", "1h", "2d"].map(parseSince)).toEqual([30, 300, 3600, 172_800]);
  });
});

const entry = (at: string, message: string, uid: string, more = {}) => ({
  stream: { service_name: "app", level: "info", log_record_uid: uid, ...more },
  values: [[at, message]],
});
const answer = (...result: object[]) =>
  JSON.stringify({ status: "success", data: { resultType: "streams", result } });

describe("log lines", () => {
  test("of several streams are sorted by time, without duplicates", () => {
    const lines = parseStore(
      answer(
        entry("3000000000", "third", "c"),
        entry("1000000000", "first", "a"),
        entry("1000000000", "first", "a"),
        entry("2000000000", "second", "b"),
      ),
    );
    expect(arrange(lines, 10).map(({ message }) => message)).toEqual(["first", "second", "third"]);
    expect(arrange(lines, 2).map(({ message }) => message)).toEqual(["second", "third"]);
  });

  test("come after messages of Docker", () => {
    expect(splitAnswer("warning\nstore\n{}\n")).toEqual({ source: "store", rest: "{}\n" });
    expect(splitAnswer("files no store\na\nb\n")).toEqual({ source: "files no store", rest: "a\nb\n" });
    expect(() => splitAnswer("bash: not found\n")).toThrow(
      "the machine returned no log lines but: bash: not found",
    );
  });

  test("with equal text but different keys are not duplicates", () => {
    const lines = parseStore(answer(entry("1000000000", "again", "a"), entry("1000000000", "again", "b")));
    expect(arrange(lines, 10)).toHaveLength(2);
  });

  test("show time, service, level, message and request ID", () => {
    const [line] = parseStore(
      answer(entry("1795554263821477978", "bad\nTraceback", "a", { level: "error", request_id: "r-1" })),
    );
    expect(line && formatLine(line)).toBe(
      "2026-11-24T21:04:23.821Z app      error bad request_id=r-1\n  Traceback",
    );
  });

  test("of Docker's log files have a level if they are JSON or contain its name", () => {
    const text = [
      'app 0123456789ab 2026-11-24T21:04:23.5Z {"level":"warning","message":"m","request_id":"r-2"}',
      "postgres 0123456789ab 2026-11-24T21:04:24.123456789Z 2026-11-24 21:04:24 UTC [1] ERROR:  no",
      "redis 0123456789ab 2026-11-24T21:04:25Z Ready",
      "no log line",
    ].join("\n");
    expect(
      parseFiles(text).map(({ at, service, level, message }) => [String(at), service, level, message]),
    ).toEqual([
      ["1795554263500000000", "app", "warn", "m"],
      ["1795554264123456789", "postgres", "error", "2026-11-24 21:04:24 UTC [1] ERROR:  no"],
      ["1795554265000000000", "redis", "info", "Ready"],
    ]);
  });
});
