// A log store as the collector and `call logs` see one: OTLP in, Loki's query_range out, to nobody without the right
// Authorization (AUTHORIZATION is its SHA-256). Behind it stands STORE: Loki itself, or VictoriaLogs (KIND=victoria), whose
// answers are then put in Loki's form.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { toLogsQL } from "./logsql.mjs";

const { STORE, KIND, AUTHORIZATION } = process.env;
/** What Loki calls structured metadata has underscores where OTLP has dots. */
const toLabel = (field) => field.replaceAll(".", "_");

createServer(async (request, response) => {
  const { status, text } = await answer(request).catch((problem) => ({ status: 502, text: String(problem) }));
  response.writeHead(status, { "content-type": text.startsWith("{") ? "application/json" : "text/plain" });
  response.end(text);
}).listen(3100);

async function answer(request) {
  const { authorization = "" } = request.headers;
  if (createHash("sha256").update(authorization).digest("hex") !== AUTHORIZATION)
    return { status: 401, text: "no access with this Authorization\n" };
  const { pathname, search, searchParams } = new URL(request.url, "http://store");
  if (KIND !== "victoria") return pass(request, `${STORE}${pathname}${search}`);
  if (pathname === "/otlp/v1/logs") return pass(request, `${STORE}/insert/opentelemetry/v1/logs`);
  if (pathname === "/loki/api/v1/query_range" && request.method === "GET") return queryRange(searchParams);
  return { status: 404, text: "404 page not found\n" };
}

async function pass(request, url) {
  const { method, headers } = request;
  const { host, authorization, connection, "content-length": length, ...rest } = headers;
  const body = method === "GET" ? undefined : request;
  const answered = await fetch(url, { method, headers: rest, body, duplex: "half" });
  return { status: answered.status, text: await answered.text() };
}

async function queryRange(asked) {
  let filter;
  try {
    filter = toLogsQL(asked.get("query") ?? "");
  } catch ({ message }) {
    return { status: 400, text: message };
  }
  const order = asked.get("direction") === "forward" ? "_time" : "_time desc";
  const query = `${filter} | sort by (${order}) limit ${Number(asked.get("limit") ?? 100)}`;
  const body = new URLSearchParams({ query, start: asked.get("start"), end: asked.get("end") });
  const answered = await fetch(`${STORE}/select/logsql/query`, { method: "POST", body });
  const text = await answered.text();
  if (!answered.ok) return { status: 500, text };
  const result = text.split("\n").filter(Boolean).map(toStream);
  const data = { resultType: "streams", result, stats: {} };
  return { status: 200, text: JSON.stringify({ status: "success", data }) };
}

/** Labels and structured metadata stand side by side, as in Loki; no two records have equal ones. */
function toStream(line) {
  const { _time, _msg, _stream, _stream_id, ...fields } = JSON.parse(line);
  const stream = Object.fromEntries(Object.entries(fields).map(([name, value]) => [toLabel(name), value]));
  return { stream, values: [[toNanoseconds(_time), _msg ?? ""]] };
}

function toNanoseconds(time) {
  const [seconds, fraction = ""] = time.replace("Z", "").split(".");
  return `${Date.parse(`${seconds}Z`) / 1000}${fraction.padEnd(9, "0")}`;
}
