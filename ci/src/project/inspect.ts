import type { Directory } from "@dagger.io/dagger";
import { detect } from "./detect.js";
import { describePlace, type Fact } from "./fact.js";
import { directoryFolder } from "./folder.js";
import type { Project } from "./project.js";

/** What was found, for people or for programs. */
export async function inspect(app: Directory, format: string): Promise<string> {
  if (format !== "text" && format !== "json")
    throw new Error(`${JSON.stringify(format)} is not a format of inspect: use text or json`);
  const project = await detect(await directoryFolder(app));
  return format === "json" ? `${JSON.stringify(project, null, 2)}\n` : asTable(project);
}

/** What, value, and the file that says so; then remarks and problems. */
export function asTable(project: Project): string {
  const rows = [["what", "value", "source"], ...rowsOf(project)];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const lines = rows.map(([what = "", value = "", source = ""]) =>
    `${what.padEnd(widths[0] as number)}  ${value.padEnd(widths[1] as number)}  ${source}`.trimEnd(),
  );
  const remarks = [
    ...project.notes.map((note) => `note: ${note}`),
    ...project.problems.map((line) => `problem: ${line}`),
  ];
  return `${[...lines, ...(remarks.length > 0 ? ["", ...remarks] : [])].join("\n")}\n`;
}

type Row = [what: string, value: string, source: string];

function rowsOf(project: Project): Row[] {
  const { frontend, services, processes, environmentNames, packages, requirements, environment } = project;
  const row = (what: string, fact: Fact<unknown> | undefined): Row[] =>
    fact === undefined ? [] : [[what, textOf(fact.value), sourceOf(fact)]];
  const list = (what: string, facts: Fact<string>[]): Row[] =>
    facts.length === 0
      ? row(what, { value: "none", origin: "default" })
      : facts.flatMap((fact) => row(what, fact));
  const byName = (what: string, facts: Record<string, Fact<string>>): Row[] =>
    Object.entries(facts).flatMap(([name, fact]) => row(`${what} ${name}`, fact));
  return [
    ...row("manage.py", project.manage),
    ...row("settings", project.settings),
    ...row("settings for tests", project.testSettings),
    ...row("settings in production", project.productionSettings),
    ...row("WSGI", project.wsgi),
    ...row("ASGI", project.asgi),
    ...row("server", project.server),
    ...row("Celery", project.celery),
    ...row("Python", project.python),
    ...row("Django", project.django),
    ...row("dependency manager", project.manager),
    ...row("dependencies", project.dependencies),
    ...row("for tests", project.testDependencies),
    ...row("declared packages", countOf(project.pythonPackages)),
    ...row("test runner", project.testRunner),
    ...row("test processes", project.parallel),
    ...list("service", services),
    ...byName("process", processes),
    ...row("release", project.release),
    ...row("front end", frontend),
    ...row("Dockerfile", project.dockerfile),
    ...row("Dockerfile for tests", project.testDockerfile),
    ...(environmentNames.length > 0 ? [namesOf(environmentNames)] : []),
    ...byName("environment", environment),
    ...requirements.flatMap((fact) => row("Python package", fact)),
    ...packages.flatMap((fact) => row("system package", fact)),
  ];
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(", ") || "none";
  if (typeof value !== "object" || value === null) return String(value) || "none";
  return Object.entries(value)
    .map(([name, item]) => `${name} ${textOf(item)}`)
    .join(", ");
}

function sourceOf(fact: Fact<unknown>): string {
  if (fact.origin === "default") return "default";
  return fact.origin === "guessed" ? `${describePlace(fact)} (guess)` : describePlace(fact);
}

function countOf(packages: Project["pythonPackages"]): Fact<string> {
  const files = [...new Set(Object.values(packages).map(({ file }) => file))];
  const [file, ...others] = files;
  if (file === undefined) return { value: "0", origin: "default" };
  return { value: String(Object.keys(packages).length), origin: "found", file: [file, ...others].join(", ") };
}

/** The names of environment variables in one row: there can be dozens. */
function namesOf(facts: Fact<string>[]): Row {
  const names = facts.map(({ value }) => value);
  const more = names.length > 6 ? ` and ${names.length - 6} more` : "";
  return ["environment variables", `${names.slice(0, 6).join(", ")}${more}`, facts[0]?.file ?? ""];
}
