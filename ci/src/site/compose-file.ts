import type { Directory } from "@dagger.io/dagger";
import { type Document, isPair, parseDocument, visit, type YAMLMap } from "yaml";
import type { Project } from "../project/project.js";
import { isOfContract, requireDeployable, usedBackends } from "../stack/project.js";
import type { Environment } from "./environment.js";

/** What a project's release has instead of what docker-compose.prod.yml has for any. */
export interface Tailoring {
  /** Services of the file that the project does not use. */
  unused: readonly string[];
  /** Commands that run beside the web server, by name. */
  processes: Readonly<Record<string, string>>;
  /** Commands of a release; none if it only migrates. */
  release: readonly string[];
  /** Environment variables of the application. */
  variables: Readonly<Record<string, string>>;
}

export const COMPOSE = "docker-compose.prod.yml";

/**
 * The compose file of a project's release.
 * @param source the folder with docker-compose.prod.yml.
 * @throws Error, one line, for a project without PostgreSQL.
 */
export async function composeOf(
  source: Directory,
  project: Project,
  { variables }: Pick<Environment, "variables">,
): Promise<string> {
  requireDeployable(project);
  const compose = (await source.file(COMPOSE).contents()).replaceAll("\r\n", "\n");
  return tailor(compose, tailoringFor(project, variables));
}

/** Services of docker-compose.prod.yml that not every project has. */
const optional = ["redis", "kafka", "worker", "beat"];

/** A process is healthy once it has run for 5 s. */
const proven = ["CMD", "/usr/local/bin/python3", "-IS", "/opt/docker/healthcheck.py", "--up", "5"];

/** @param variables those of the environment. */
export function tailoringFor(project: Project, variables: Readonly<Record<string, string>>): Tailoring {
  const all = Object.entries(project.processes).map(([name, { value }]) => [name, value] as const);
  const celery = isOfContract(project) ? ["worker", "beat"] : all.filter(isCelery).map(([name]) => name);
  const used = [...usedBackends(project), ...celery];
  return {
    unused: optional.filter((name) => !used.includes(name)),
    processes: Object.fromEntries(all.filter((process) => !isCelery(process))),
    release: project.release?.value ?? [],
    variables,
  };
}

/** Started by the image's own commands `worker` and `beat`. */
const isCelery = ([name, command]: readonly [string, string]): boolean =>
  ["worker", "beat"].includes(name) && command.startsWith("celery ");

/** How a file is written: as it is, and new texts in quotes, because compose 1.29 reads more than texts without them. */
export const style = {
  lineWidth: 0,
  flowCollectionPadding: false,
  defaultKeyType: "PLAIN",
  defaultStringType: "QUOTE_DOUBLE",
  doubleQuotedAsJSON: true,
} as const;

/**
 * The compose file of a release. Without a difference it is the given one: a file that is tailored already stays as it is.
 * @throws Error, one line, for a process with the name of another service, and for a file without its place for variables.
 */
export function tailor(compose: string, wanted: Tailoring): string {
  const file = parseDocument(compose, { merge: true });
  const before = JSON.stringify(file);
  for (const name of wanted.unused) remove(file, name);
  addProcesses(file, wanted.processes);
  if (wanted.release.length > 0)
    // ci/image/migrate.py runs them.
    addVariables(file, ["services", "migrate"], { STACKLINE_RELEASE: wanted.release.join("\n") });
  addVariables(file, ["x-application"], wanted.variables);
  return JSON.stringify(file) === before ? compose : file.toString(style);
}

/** Where a service, its volume and waiting for it are. */
const named = ["services", "volumes", "depends_on"];

/** Removes a service with its volume, and the secrets and variables of others that are about it. */
function remove(file: Document, name: string): void {
  const isAbout = (word: unknown): boolean =>
    new RegExp(`^(SERVER_)?${name.toUpperCase()}_`).test(String(word));
  visit(file, {
    Pair(_, { key }, path) {
      const parent = path.at(-2);
      const isNamed = isPair(parent) && named.includes(String(parent.key)) && String(key) === name;
      return isNamed || isAbout(key) ? visit.REMOVE : undefined;
    },
    // An item of a service's secrets.
    Map: (at, map) => (typeof at === "number" && isAbout(map.get("source")) ? visit.REMOVE : undefined),
    Scalar: (at, { value }) => (typeof at === "number" && isAbout(value) ? visit.REMOVE : undefined),
  });
}

/** Each like the web server, but reachable by nobody. */
function addProcesses(file: Document, processes: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(processes)) {
    const command = escaped(text);
    const present = file.getIn(["services", name, "command"]);
    if (present === command) continue;
    if (file.hasIn(["services", name]))
      throw new Error(
        `the process ${name} has the name of a service of the stack, which runs something else: give it another in stackline.json`,
      );
    file.setIn(["services", name], processLike(file, command));
  }
}

function processLike(file: Document, command: string): YAMLMap {
  const service = (file.getIn(["services", "app"]) as YAMLMap).clone() as YAMLMap;
  for (const key of ["labels", "ports"]) service.delete(key);
  service.set("command", command);
  const inLine = (words: string[]) => file.createNode(words, { flow: true });
  if (service.has("networks")) service.set("networks", inLine(["data", "outbound"]));
  service.set("healthcheck", { ...file.toJS().services.app.healthcheck, test: inLine(proven) });
  return service;
}

function addVariables(file: Document, path: string[], variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (!file.hasIn([...path, "environment"]))
      throw new Error(`${COMPOSE} has no ${path.join(".")}.environment, where the variable ${name} belongs`);
    file.setIn([...path, "environment", name], escaped(value));
  }
}

/** Compose would replace variables of its own. */
const escaped = (text: string): string => text.replaceAll("$", "$$$$");
