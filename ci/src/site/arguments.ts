import { imageTags, type TagSources } from "../pipeline/references.js";
import type { Environment } from "./environment.js";
import { type Account, checkAccount, requireDigest } from "./registry.js";

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
 * @throws Error, one line, for the first mistake.
 */
export function checkDeployment(given: DeployArguments, environment: Environment): void {
  checkAccount(given);
  imageTags(tagSources(given, environment));
  if (given.image) requireDigest(given.image);
  // A dry run pushes nothing.
  else if (!given.password && !given.dryRun) throw new Error(missingAccount);
}

/** Requests per second that a rehearsal can send. @throws Error, one line, for any other number. */
export function requireRate(rate: number): number {
  if (!Number.isInteger(rate) || rate < 1 || rate > 10_000)
    throw new Error(`--rate ${rate}: give a whole number of requests per second from 1 to 10000`);
  return rate;
}
