import type { Frontend, Project } from "../project/project.js";
import { COMPOSE } from "../site/compose-file.js";
import { openVariables, ownImage } from "./compose.js";
import { callOf } from "./runner.js";

/** What each file is for. */
const purposes = {
  "docker-compose.yml": "Development: the sources are mounted and reloaded",
  [COMPOSE]: "Production, by `deploy` or by hand",
  "nginx/": "nginx's configuration, the maintenance page, and where a deploy switches releases",
  "scripts/postgres/": "Settings and first start of PostgreSQL in production",
  "logs/": "Log collector, Loki and Grafana: only with the profiles `logs` and `loki` of production",
  "scripts/secrets":
    "Creates the secrets of a production that is run by hand (with `scripts/lib/` and `scripts/host/lib/`)",
  "environments/":
    "`prod.json` and `staging.json`: machine, address and settings of each environment; `schema.json` for editors",
  "stackline.json": "What detection guessed about the project: correct it, or delete what it may guess again",
  ".dockerignore": "What does not go into the image",
  "scripts/install-dagger": "Installs Dagger in a CI job, after verifying its checksum",
};

const image = { "ci/image/": "Dockerfile of docker-compose.yml, and what runs in its image" };

/** STACKLINE.md: what each adopted file is for, and the first commands. @param runners paths of their files. */
export function guide(project: Project, module: string, runners: readonly string[]): string {
  const ofRunners = Object.fromEntries(
    runners.map((path) => [
      path,
      "CI: tests pull requests, deploys `main` to staging, tags `v*` to production",
    ]),
  );
  const rows = Object.entries({ ...purposes, ...(project.dockerfile ? {} : image), ...ofRunners });
  return [
    "# Stackline's files",
    `Written by \`adopt\` of ${module}. They are yours now: edit them, delete what you do not use. After a change of services, processes or Python's version, or of the module, \`adopt\` with \`--force\` writes them again, except for \`stackline.json\`, \`.dockerignore\` and environments that are there.`,
    table([["File", "What it is for"], ...rows.map(([path, text]) => [`\`${path}\``, text] as const)]),
    "## Develop",
    block([
      ...preparation(project, module),
      "docker compose up   # http://localhost, and without nginx http://localhost:8000",
    ]),
    ...variables(project),
    "## Deploy",
    `1. Fill in \`environments/prod.json\` and \`environments/staging.json\`: the machine, its host key, the site's address, the image's repository.
2. Set the runner's variables: docs/runners.md of the module. Delete the files of other runners.
3. Or deploy from here:`,
    block([
      `${callOf(module, "deploy")} --env=prod \\`,
      "  --ssh-key=env://SSH_PRIVATE_KEY --secrets=env://SECRETS --username=you --password=env://REGISTRY_PASSWORD",
    ]),
    "## Production by hand",
    block([
      "./scripts/secrets                              # once: creates secrets/, which Git must ignore",
      "export APP_IMAGE=docker.io/you/app@sha256:...  # as `publish` prints it",
      `docker compose -f ${COMPOSE} up -d`,
    ]),
  ]
    .join("\n\n")
    .concat("\n");
}

/** What the image, or the mounted sources, lack before the first start. */
function preparation({ frontend, ...project }: Project, module: string): string[] {
  const build = ({ folder, manager, script }: Frontend): string =>
    `(cd ${folder} && ${manager} install && ${manager} run ${script})`;
  return [
    ...(frontend ? [build(frontend.value)] : []),
    ...(project.dockerfile
      ? [`dagger -m ${module} call build --app=. export-image --name=${ownImage(project)}`]
      : []),
  ];
}

function variables(project: Project): string[] {
  const names = openVariables(project);
  if (names.length === 0) return [];
  return [
    `These variables have no value yet: ${names.join(", ")}. In development they come from a \`.env\` file or the shell, in production from \`"variables"\` of the environment's file or, if they are confidential, from \`--secrets\`.`,
  ];
}

function table([head, ...rows]: readonly (readonly [string, string])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head ?? []), line(["---", "---"]), ...rows.map(line)].join("\n");
}

const block = (lines: readonly string[]): string => ["```sh", ...lines, "```"].join("\n");
