import { readFileSync } from "node:fs";
import { parser } from "@grafana/lezer-logql";
import { root } from "../stack/tools.ts";

interface Target {
  expr: string;
  legendFormat?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: Grafana's own structure
export const dashboard: any = JSON.parse(
  readFileSync(`${root}logs/grafana/dashboards/stackline.json`, "utf8"),
);

/** Every query of the dashboard, with Grafana's variables replaced. */
export function queries(): Target[] {
  const panels: { targets: Target[] }[] = dashboard.panels;
  const targets = [...panels.flatMap((panel) => panel.targets), ...dashboard.annotations.list];
  return targets.map(({ expr, legendFormat }) => ({
    expr: expr.replaceAll("$__auto", "5m").replace(/\$\w+/g, "anything"),
    legendFormat,
  }));
}

/** The parse errors of a query; empty if it is valid LogQL. */
export function mistakes(query: string): string[] {
  const found: string[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from }) => void (type.isError && found.push(query.slice(from, from + 20) || "its end")),
  });
  return found;
}

/** The stream labels that the dashboard selects by, and the fields that it filters, groups by and shows. */
export function dashboardNames(): { labels: string[]; fields: string[] } {
  const [labels, fields] = [new Set<string>(), new Set<string>()];
  for (const { expr, legendFormat = "" } of queries()) {
    parser.parse(expr).iterate({
      enter: ({ name, from, to, node }) => {
        if (name !== "Identifier") return;
        (inSelector(node.parent) ? labels : fields).add(expr.slice(from, to));
      },
    });
    for (const [, name = ""] of `${expr} ${legendFormat}`.matchAll(/\{\{\.?(\w+)\}\}/g)) fields.add(name);
  }
  for (const { query } of dashboard.templating.list) if (query.label) labels.add(query.label);
  return { labels: [...labels], fields: [...fields] };
}

interface Node {
  name: string;
  parent: Node | null;
}

const inSelector = (node: Node | null): boolean =>
  node !== null && (node.name === "Selector" || inSelector(node.parent));
