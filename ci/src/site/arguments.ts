import { imageTags, type TagSources } from "../pipeline/references.js";
import type { Environment } from "./environment.js";
import { faultOfName } from "./names.js";
import { type Account, checkAccount, requireDigest } from "./registry.js";
import { secretNames } from "./secrets.js";

/** Arguments of `deploy` that can be wrong in themselves. */
export interface DeployArguments extends Account {
  /** Reference of a published image; "" to build one. */
  image: string;
  commit: string;
  version: string;
  dryRun: boolean;
}

export const missingAccount =
  "deploy publishes the image first: give --username and --password, or --image for one that is published";

/** The tags of an image that is built for an environment. */
export function tagSources(
  { commit, version }: Pick<DeployArguments, "commit" | "version">,
  { name }: Environment,
): TagSources {
  return { tags: [name], commit, version, branch: "" };
}

/**
 * Checks everything about a deployment that needs neither the machine nor the registry: the gate takes minutes, and a mistake
 * is reported before it.
 * @param settings names that the environment's settings can have.
 * @throws Error, one line, for the first mistake.
 */
export function checkDeployment(
  given: DeployArguments,
  environment: Environment,
  settings: readonly string[],
): void {
  checkSettings(environment, settings);
  checkVariables(environment, settings);
  checkAccount(given);
  imageTags(tagSources(given, environment));
  if (given.image) requireDigest(given.image);
  // A dry run pushes nothing.
  else if (!given.password && !given.dryRun) throw new Error(missingAccount);
}

function checkSettings({ name, settings }: Environment, known: readonly string[]): void {
  const rules = { known, foreign: secretNames, elsewhere: "in --secrets" };
  for (const setting of Object.keys(settings)) {
    const fault = faultOfName(setting, rules);
    if (fault !== undefined) throw new Error(`environments/${name}.json: settings: ${fault}`);
  }
}

function checkVariables({ name, variables }: Environment, settings: readonly string[]): void {
  const file = `environments/${name}.json: variables`;
  for (const variable of Object.keys(variables)) {
    if (secretNames.includes(variable)) throw new Error(`${file}: ${variable} belongs in --secrets`);
    if (settings.includes(variable)) throw new Error(`${file}: ${variable} belongs in "settings"`);
  }
}

/** Requests per second that a rehearsal can send. @throws Error, one line, for any other number. */
export function requireRate(rate: number): number {
  if (!Number.isInteger(rate) || rate < 1 || rate > 10_000)
    throw new Error(`--rate ${rate}: give a whole number of requests per second from 1 to 10000`);
  return rate;
}
