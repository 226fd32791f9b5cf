import type { Directory, Secret } from "@dagger.io/dagger";
import { runPipeline } from "../pipeline/ci.js";
import { publishImage } from "../pipeline/publish.js";
import type { Application } from "../stack/image.js";
import { readProject } from "../stack/project.js";
import { checkDeployment, missingAccount, tagSources } from "./arguments.js";
import { COMPOSE, composeOf } from "./compose-file.js";
import { composeVariables } from "./names.js";
import { type Account, registryLogin } from "./registry.js";
import { releaseFolder } from "./release.js";
import { normaliseSecrets } from "./secrets.js";
import { type Connection, type Payload, runRemote } from "./ssh-connection.js";
import { connectTo, type Target } from "./target.js";
import { pinUpstream } from "./upstream.js";

export interface Deployment extends Target, Account, Application {
  /** The whole project. */
  source: Directory;
  secrets?: Secret;
  /** Reference of a published image; "" to build one. */
  image: string;
  dryRun: boolean;
  backup: boolean;
  by: string;
  commit: string;
  version: string;
}

/**
 * Runs the CI checks, builds, publishes and deploys by digest. All arguments are validated before the first step.
 * @returns the machine's output.
 */
export async function deploy(deployment: Deployment): Promise<string> {
  const connection = await connectTo(deployment);
  const { source, backup } = deployment;
  const variables = composeVariables(await source.file(COMPOSE).contents());
  checkDeployment(deployment, connection.environment, variables);
  const compose = await composeOf(source, await readProject(deployment.app), connection.environment);
  const payload = await payloadOf(deployment, connection, variables);
  const image = deployment.image || (await newImage(deployment, connection));
  const upstream = await pinUpstream(source, connection.environment);
  const options = { image, upstream, backup, sent: Math.floor(Date.now() / 1000) };
  const release = releaseFolder(source, connection.environment, compose, options);
  if (!deployment.dryRun) return runRemote(connection, ["deploy"], { ...payload, release });
  return planned(deployment) + (await runRemote(connection, ["plan"], { ...payload, release }));
}

async function payloadOf(
  { secrets, by, ...account }: Deployment,
  { environment }: Connection,
  settings: readonly string[],
): Promise<Payload> {
  return {
    by,
    secrets: secrets && (await normaliseSecrets(secrets, settings)),
    registry: await registryLogin(account, environment.repository),
  };
}

/** Nothing is built for a deployment unless it passes the CI checks. */
async function newImage(deployment: Deployment, { environment }: Connection): Promise<string> {
  const { app, netrc, source, username, password, dryRun } = deployment;
  if (dryRun) return `${environment.repository}@sha256:${"0".repeat(64)}`;
  if (!password) throw new Error(missingAccount);
  await runPipeline({ source, app, netrc, nginx: source.directory("nginx") });
  return publishImage(
    { app, netrc },
    {
      repository: environment.repository,
      username,
      password,
      ...tagSources(deployment, environment),
      source: "",
      created: "",
      platforms: [],
    },
  );
}

function planned({ image, env }: Deployment): string {
  if (image) return `would deploy ${image}\n`;
  return [
    "would run lint, test, build and checks",
    "would build the image and publish it; zeros stand for its digest below",
    `would deploy it to ${env}`,
    "",
  ].join("\n");
}

/** @param to name of a release, or "" for the one that served before the current one was deployed. */
export async function rollBack(target: Target, account: Account, to: string, by: string): Promise<string> {
  const connection = await connectTo(target);
  const registry = await registryLogin(account, connection.environment.repository);
  return runRemote(connection, to ? ["rollback", to] : ["rollback"], { by, registry });
}
