import type { Directory } from "@dagger.io/dagger";
import { parse } from "yaml";
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

interface ComposeService {
  image: string;
  command?: string | string[];
  environment?: Record<string, string>;
  secrets?: (string | { source: string; target: string })[];
  depends_on?: Record<string, unknown>;
  [key: string]: unknown;
}

interface ComposeFile {
  services: Record<string, ComposeService>;
  secrets: Record<string, unknown>;
  volumes: Record<string, unknown>;
  [key: string]: unknown;
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

/** Seconds that a process must have run to count as healthy. */
const PROVEN = 5;

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

/**
 * The compose file of a release. Without a difference it is the given one; otherwise it is JSON, which is YAML, with all
 * anchors resolved.
 */
export function tailor(compose: string, wanted: Tailoring): string {
  const before = resolved(compose);
  const file = structuredClone(before);
  for (const name of wanted.unused) remove(file, name);
  addProcesses(file, wanted.processes);
  addRelease(file, wanted.release);
  for (const service of ofApplication(file))
    service.environment = { ...service.environment, ...escaped(wanted.variables) };
  const text = JSON.stringify(file, undefined, 2);
  return text === JSON.stringify(before, undefined, 2) ? compose : `${text}\n`;
}

/** Without anchors, and without an object that two places share. */
function resolved(compose: string): ComposeFile {
  const whole = parse(compose, { merge: true }) as ComposeFile;
  const own = Object.entries(whole).filter(([name]) => !name.startsWith("x-"));
  return JSON.parse(JSON.stringify(Object.fromEntries(own)));
}

/** Services that run the application's code. */
function ofApplication(file: ComposeFile): ComposeService[] {
  return Object.values(file.services).filter(
    ({ image, environment }) => image.startsWith("${APP_IMAGE") && environment !== undefined,
  );
}

/** A service with its volume, and the secrets and variables of others that are about it. */
function remove(file: ComposeFile, name: string): void {
  const { [name]: removed, ...services } = file.services;
  if (removed === undefined) return;
  file.services = services;
  delete file.volumes[name];
  const isAbout = (word: string): boolean => new RegExp(`^(SERVER_)?${name.toUpperCase()}_`).test(word);
  for (const word of Object.keys(file.secrets).filter(isAbout)) delete file.secrets[word];
  for (const { depends_on, secrets, environment } of Object.values(services)) {
    if (depends_on) delete depends_on[name];
    for (const word of Object.keys(environment ?? {}).filter(isAbout)) delete environment?.[word];
    secrets?.splice(0, secrets.length, ...secrets.filter((secret) => !isAbout(sourceOf(secret))));
  }
}

const sourceOf = (secret: string | { source: string }): string =>
  typeof secret === "string" ? secret : secret.source;

/** Each like the web server, but reachable by nobody. */
function addProcesses(file: ComposeFile, processes: Readonly<Record<string, string>>): void {
  const { app } = file.services;
  if (app === undefined) return;
  for (const [name, command] of Object.entries(processes)) {
    if (name in file.services)
      throw new Error(
        `the process ${name} has the name of a service of the stack: give it another in stackline.json`,
      );
    const { labels: _, ...like } = structuredClone(app);
    file.services[name] = {
      ...like,
      command: command.replaceAll("$", "$$$$"),
      networks: ["data", "outbound"],
      healthcheck: {
        ...(like.healthcheck as object),
        test: ["CMD", "/usr/local/bin/python3", "-IS", "/opt/docker/healthcheck.py", "--up", String(PROVEN)],
      },
    };
  }
}

/** ci/image/migrate.py runs them. */
function addRelease({ services: { migrate } }: ComposeFile, commands: readonly string[]): void {
  if (migrate === undefined || commands.length === 0) return;
  migrate.environment = { ...migrate.environment, ...escaped({ STACKLINE_RELEASE: commands.join("\n") }) };
}

/** Compose would replace variables of its own. */
const escaped = (variables: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value.replaceAll("$", "$$$$")]));
