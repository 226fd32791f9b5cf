import type { Directory, Secret } from "@dagger.io/dagger";
import { runPipeline } from "../pipeline/ci.js";
import { publishImage } from "../pipeline/publish.js";
import { registryOf } from "../pipeline/references.js";
import { readEnvironment } from "./environment.js";
import { releaseFolder } from "./release.js";
import { normaliseSecrets, registryLogin } from "./secrets.js";
import { callMachine, type Machine, type Payload } from "./ssh-connection.js";

/** Which machine, as `dagger call` is told. */
export interface Target {
  env: string;
  sshKey: Secret;
  environments: Directory;
  scripts: Directory;
}

/** Account at the registry. */
export interface Account {
  username: string;
  password?: Secret;
}

export interface Deployment extends Target, Account {
  app: Directory;
  /** The whole project. */
  source: Directory;
  secrets?: Secret;
  /** A published image's reference; "" to build one. */
  image: string;
  dryRun: boolean;
  backup: boolean;
  by: string;
  commit: string;
  version: string;
}

/** @throws Error, one line, where the environment is unknown or its file is not right. */
export async function findMachine({ env, sshKey, environments, scripts }: Target): Promise<Machine> {
  return { environment: await readEnvironment(environments, env), key: sshKey, scripts };
}

/**
 * Gate, build, publish, deploy by digest. Everything that can be wrong with the arguments is found before the first step.
 * @returns what the machine printed.
 */
export async function deploy(deployment: Deployment): Promise<string> {
  const machine = await findMachine(deployment);
  const payload = await payloadOf(deployment, machine);
  const image = deployment.image ? requireDigest(deployment.image) : await newImage(deployment, machine);
  const options = { image, backup: deployment.backup, sent: Math.floor(Date.now() / 1000) };
  const release = releaseFolder(deployment.source, machine.environment, options);
  if (!deployment.dryRun) return callMachine(machine, ["deploy"], { ...payload, release });
  return planned(deployment) + (await callMachine(machine, ["plan"], { ...payload, release }));
}

async function payloadOf({ secrets, by, ...account }: Deployment, machine: Machine): Promise<Payload> {
  return {
    by,
    secrets: secrets && (await normaliseSecrets(secrets)),
    registry: await loginOf(account, machine),
  };
}

/** How the machine gets at the images; undefined for a registry that asks for nothing. */
export async function loginOf(
  { username, password }: Account,
  machine: Machine,
): Promise<Secret | undefined> {
  if ((username === "") !== (password === undefined)) {
    throw new Error(
      "--username and --password belong together: give both, or neither where the image is public",
    );
  }
  return password && registryLogin(registryOf(machine.environment.repository), username, password);
}

/** A tag can be moved between a deploy and its rollback; a digest means one image for ever. */
export function requireDigest(image: string): string {
  if (!/^\S+@sha256:[0-9a-f]{64}$/.test(image)) {
    throw new Error(
      `--image ${JSON.stringify(image)} is no reference by digest: give NAME@sha256:..., which publish prints`,
    );
  }
  return image;
}

/** The gate first: nothing is built for deployment that does not pass. */
async function newImage(deployment: Deployment, { environment }: Machine): Promise<string> {
  const { app, source, username, password, commit, version, dryRun } = deployment;
  if (dryRun) return `${environment.repository}@sha256:${"0".repeat(64)}`;
  if (!password) {
    throw new Error(
      "deploy publishes the image first: give --username and --password, or --image for one that is published",
    );
  }
  await runPipeline({ source, app, nginx: source.directory("nginx") });
  return publishImage(app, {
    repository: environment.repository,
    username,
    password,
    tags: [environment.name],
    commit,
    branch: "",
    version,
    source: "",
    created: "",
    platforms: [],
  });
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

/** Runs a command on the machine that a target names. */
export async function callTarget(
  target: Target,
  args: readonly string[],
  payload: Payload = {},
): Promise<string> {
  return callMachine(await findMachine(target), args, payload);
}

/** @param to a release's name, or "" for the one that served before the current was deployed. */
export async function rollBack(target: Target, account: Account, to: string, by: string): Promise<string> {
  const machine = await findMachine(target);
  const registry = await loginOf(account, machine);
  return callMachine(machine, to ? ["rollback", to] : ["rollback"], { by, registry });
}

/** @throws Error unless just one of the two is asked for. */
export function onOrOff(on: boolean, off: boolean): "on" | "off" {
  if (on === off) throw new Error("maintenance: give either --on or --off");
  return on ? "on" : "off";
}
