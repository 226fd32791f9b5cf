import { type Case, type Figure, isMet, median, ratio } from "./figures.ts";

/** A figure's section of docs/benchmarks.md. */
export function section(figure: Figure, cases: readonly Case[], count: number, machine: string): string {
  const peers = [...new Set(cases.flatMap((item) => Object.keys(item.peers)))];
  const head = ["", "Stackline", ...peers, "Ratio", "Goal", ""];
  const rows = [head, head.map(() => "---"), ...cases.map((item) => row(item, peers))];
  const missed = cases.filter((item) => isMet(item) === false);
  return [
    begin(figure.key),
    `## ${figure.key}. ${figure.title}`,
    "",
    figure.how,
    "",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
    "",
    ...missed.map(({ name, why }) => `Not reached, ${name}: ${why ?? "the cause is not known yet."}\n`),
    `${count === 1 ? "Measured once" : `Medians of ${count}`}, ${machine}.`,
    end(figure.key),
  ].join("\n");
}

function row(item: Case, peers: readonly string[]): string[] {
  const value = ratio(item);
  const met = isMet(item);
  return [
    item.name,
    quantity(item, item.ours),
    ...peers.map((peer) => (item.peers[peer] ? quantity(item, item.peers[peer]) : "")),
    value === undefined ? "" : `${value > 0 && value < 0.01 ? "< 0.01" : value.toFixed(2)} ×`,
    goalText(item),
    met === undefined ? "" : met ? "reached" : "not reached",
  ];
}

/** The median, and the range of the values. */
function quantity({ unit }: Case, values: readonly number[]): string {
  const digits = unit === "s" || unit === "ms" ? 1 : 0;
  const text = (value: number): string => value.toFixed(digits);
  const range = values.length > 1 ? ` (${text(Math.min(...values))}-${text(Math.max(...values))})` : "";
  return `${text(median(values))} ${unit}${range}`;
}

function goalText({ goal, unit }: Case): string {
  if (!goal) return "";
  const sign = goal.of === "ratio" ? " ×" : ` ${unit}`;
  return goal.atMost !== undefined ? `≤ ${goal.atMost}${sign}` : `≥ ${goal.atLeast}${sign}`;
}

const begin = (key: string): string => `<!-- figure ${key} -->`;
const end = (key: string): string => `<!-- end of figure ${key} -->`;

/** The document with a figure's section replaced, or inserted in the order of the keys. */
export function replaceSection(text: string, key: string, added: string): string {
  const from = text.indexOf(begin(key));
  if (from >= 0) return text.slice(0, from) + added + text.slice(text.indexOf(end(key)) + end(key).length);
  const later = [...text.matchAll(/<!-- figure (\w) -->/g)].find(([, other]) => (other ?? "") > key);
  const at = later?.index ?? text.length;
  return `${text.slice(0, at).trimEnd()}\n\n${added}\n\n${text.slice(at)}`.trimEnd().concat("\n");
}
