// LogQL as VictoriaLogs' LogsQL, as far as `call logs` writes it: a selector, line filters, filters by label.

/** Labels whose names OTLP writes with dots. */
const dotted = ["service.namespace", "service.name", "deployment.environment.name"];
const fields = new Map(dotted.map((field) => [field.replaceAll(".", "_"), field]));

const NAME = /[a-zA-Z_]\w*/y;
const STRING = /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y;
const MATCHER = /=~|!~|!=|=/y;
const LINE = /\|=|\|~|!=|!~/y;

/** @throws Error in Loki's words for what is neither. */
export function toLogsQL(logql) {
  let at = 0;
  const next = (pattern) => {
    at += /^\s*/.exec(logql.slice(at))[0].length;
    pattern.lastIndex = at;
    const found = pattern.exec(logql)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const take = (pattern) => next(pattern) ?? refuse(logql, at);
  const matcher = () => compare(take(NAME), take(MATCHER), unquote(take(STRING)));
  const filters = [];
  take(/\{/y);
  do filters.push(matcher());
  while (next(/,/y));
  take(/\}/y);
  for (let sign = next(LINE) ?? next(/\|/y); sign; sign = next(LINE) ?? next(/\|/y))
    filters.push(sign === "|" ? matcher() : search(sign, unquote(take(STRING))));
  return next(/\S/y) ? refuse(logql, at - 1) : filters.join(" ");
}

function compare(label, sign, value) {
  const field = JSON.stringify(fields.get(label) ?? label);
  const not = sign.startsWith("!") ? "!" : "";
  return sign.endsWith("~")
    ? `${not}${field}:~${JSON.stringify(`^(?:${value})$`)}`
    : `${not}${field}:=${JSON.stringify(value)}`;
}

function search(sign, text) {
  const pattern = sign.endsWith("~") ? text : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return `${sign.startsWith("!") ? "!" : ""}_msg:~${JSON.stringify(pattern)}`;
}

const unquote = (text) => (text.startsWith("`") ? text.slice(1, -1) : JSON.parse(text));

function refuse(logql, at) {
  const [rest = ""] = logql.slice(at).match(/^\w+|^\S/) ?? [];
  const token = rest === "" ? "$end" : /^\w/.test(rest) ? "IDENTIFIER" : rest;
  throw new Error(`parse error at line 1, col ${at + 1}: syntax error: unexpected ${token}`);
}
