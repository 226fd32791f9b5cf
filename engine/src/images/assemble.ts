import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type Docker from "dockerode";
import { DockerConnectionError } from "../client/connection-error.ts";
import { buildProxies } from "../client/proxies.ts";
import { build, imageOrNothing, outputOf, removeReplaced } from "./build.ts";
import { ImageError } from "./errors.ts";
import { fingerprint, folderOf } from "./fingerprint.ts";
import { withTempDir } from "./host.ts";
import { withLock } from "./lock.ts";
import { makePublic } from "./public.ts";
import type { Recipe } from "./recipe.ts";

/** Image label: the stand-in's real content, e.g. "PostgreSQL 15.20 on Debian 12". */
export const STAND_IN_LABEL = "dev.stackline.stand-in";
/** Image label: the fingerprint of the stand-in's recipe. */
export const RECIPE_LABEL = "dev.stackline.recipe";

/** A stand-in's own name, which it has in addition to upstream's names: `stackline/stand-in:redis-bookworm`. */
export const keptName = (recipe: Recipe): string => `stackline/stand-in:${recipe.name}-${recipe.variant}`;

/** How long another process may assemble an image before this one does it, too: milliseconds. */
const LONGEST_BUILD = 30 * 60_000;

const underWay = new Map<string, Promise<string>>();

/** Assembles the recipe's image unless it exists and is up to date, and returns its own name. */
export function assemble(docker: Docker, recipe: Recipe, report: (line: string) => void): Promise<string> {
  const name = keptName(recipe);
  const started = underWay.get(name);
  if (started) return started;
  const work = make(docker, recipe, report)
    .catch((error: Error) => {
      if (error instanceof DockerConnectionError) throw error;
      if (error instanceof ImageError && error.code === "MISSING_TOOL") throw error;
      const remedy = "Check that this machine can reach its package registries, then try again. Cause";
      throw new ImageError("BUILD_FAILED", `${name} could not be assembled. ${remedy}: ${error.message}`);
    })
    .finally(() => underWay.delete(name));
  underWay.set(name, work);
  return work;
}

async function make(docker: Docker, recipe: Recipe, report: (line: string) => void): Promise<string> {
  const made = (other?: Recipe) => other && assemble(docker, other, report);
  const [BASE, COPIED] = await Promise.all([made(recipe.from), made(recipe.copied)]);
  const images = { ...(BASE && { BASE }), ...(COPIED && { COPIED }) };
  const name = keptName(recipe);
  const print = await fingerprint(recipe);
  const once = async (): Promise<string> => {
    const there = await imageOrNothing(docker, name);
    if (there?.Config.Labels?.[RECIPE_LABEL] === print) return name;
    const from = Date.now();
    report(`${name}: assembling`);
    const id = await withTempDir((context) => buildIn(context, docker, recipe, images, report));
    const inside = await describe(docker, recipe, id);
    await label(docker, id, name, { [STAND_IN_LABEL]: inside, [RECIPE_LABEL]: print });
    if (there) await removeReplaced(docker, there.Id);
    report(`${name}: ${inside}, in ${((Date.now() - from) / 1000).toFixed(1)} s`);
    return name;
  };
  // The lock only avoids duplicate work: an image is tagged at its end, so two concurrent builds do no harm.
  return withLock(name, once, { report, limit: LONGEST_BUILD });
}

async function buildIn(
  context: string,
  docker: Docker,
  recipe: Recipe,
  images: Record<string, string>,
  report: (line: string) => void,
): Promise<string> {
  await cp(folderOf(recipe), context, { recursive: true });
  await recipe.prepare?.(context, report);
  makePublic(context);
  return build(docker, context, {
    buildargs: buildProxies({ VARIANT: recipe.variant, ...images }),
  });
}

async function describe(docker: Docker, recipe: Recipe, id: string): Promise<string> {
  const version = /\d+(\.\d+)+/.exec(await outputOf(docker, id, recipe.version))?.[0];
  return recipe.from ? `${recipe.product} ${version} on Debian 12` : `${recipe.product} ${version}`;
}

/** Labels and tags the finished image in a second build: only the finished image can report its version. */
async function label(
  docker: Docker,
  id: string,
  name: string,
  labels: Record<string, string>,
): Promise<void> {
  await withTempDir(async (context) => {
    await writeFile(join(context, "Dockerfile"), `FROM ${id}\n`);
    await build(docker, context, { t: name, labels });
  });
}
