import type { Configuration } from "../project/configuration.js";
import type { Fact } from "../project/fact.js";
import type { Project } from "../project/project.js";
import { nameOf } from "./compose.js";

/** Values of stackline.json that are facts of the same name. */
const names = [
  ...([
    "manage",
    "settings",
    "testSettings",
    "productionSettings",
    "wsgi",
    "asgi",
    "server",
    "celery",
  ] as const),
  ...([
    "python",
    "manager",
    "dependencies",
    "testDependencies",
    "testRunner",
    "frontend",
    "release",
  ] as const),
];

/** stackline.json: what detection guesses, as statements that people correct. @param module the Git address of the module. */
export function configuration(project: Project, module: string): string {
  const { services, processes } = project;
  const isGuess = (fact: Fact<unknown> | undefined): boolean => fact?.origin === "guessed";
  const guesses = names
    .filter((name) => isGuess(project[name]))
    .map((name) => [name, project[name]?.value] as const);
  // Celery's worker follows from `celery`.
  const commands = Object.entries(processes).filter(
    ([name, fact]) => isGuess(fact) && !(project.celery && name === "worker"),
  );
  const others: Configuration = {
    ...(services.some(isGuess) && { services: services.map(({ value }) => value) }),
    ...(commands.length > 0 && {
      processes: Object.fromEntries(commands.map(([name, { value }]) => [name, value])),
    }),
  };
  return format({ ...schemaOf(module), ...Object.fromEntries(guesses), ...others });
}

/** GitHub serves the schema itself. */
function schemaOf(module: string): { $schema?: string } {
  const [, repository, version = "main"] = /^github\.com\/([^@]+)(?:@(.+))?$/.exec(module) ?? [];
  if (repository === undefined) return {};
  return { $schema: `https://raw.githubusercontent.com/${repository}/${version}/ci/stackline.schema.json` };
}

/** An environment to fill in. No machine has this host key, so nothing is sent to one before there is another. */
export function exampleEnvironment(project: Project, name: "prod" | "staging"): string {
  const host = name === "prod" ? "shop.example.com" : "staging.example.com";
  return format({
    $schema: "./schema.json",
    host,
    user: "deploy",
    hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`,
    url: `http://${host}`,
    repository: `docker.io/you/${nameOf(project)}`,
    ...(name === "prod" && { replicas: 2 }),
    variables: {},
  });
}

const format = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
