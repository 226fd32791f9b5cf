import type Docker from "dockerode";
import type { Login } from "../client/logins.ts";
import { assemble, RECIPE_LABEL, STAND_IN_LABEL } from "./assemble.ts";
import { imageOrNothing, removeReplaced } from "./build.ts";
import { ImageError } from "./errors.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Recipe } from "./recipe.ts";
import { hasRecipe, recipeFor } from "./recipes.ts";
import { parseReference, withDigest } from "./reference.ts";
import { askDigest, isNoAnswer, pull } from "./registry.ts";

export { ImageError } from "./errors.ts";
export { hasRecipe, isNoAnswer };

/** A local image, ready to run. */
export interface ProvidedImage {
  id: string;
  /** Set if the image is a stand-in: its real content, e.g. "CPython 3.8.18 on Debian 12 (stand-in for 3.8.5)". */
  standIn?: string;
  /** Digest of the image in its registry; none for one that was built or loaded here. */
  digest?: string;
}

/**
 * Provides `ref` in the local Docker: uses a local image, else pulls it, else (only if no registry answers and a recipe
 * exists) assembles a stand-in.
 *
 * @param login for the registry; by default the user's own.
 * @throws ImageError: its first line says what is missing and what to do.
 */
export async function provideImage(
  docker: Docker,
  ref: string,
  report: (line: string) => void,
  login?: Login,
): Promise<ProvidedImage> {
  const local = await imageOrNothing(docker, ref);
  if (local && !(await isOutdated(ref, local))) return provided(ref, local);
  if (!(await pull(docker, ref, report, login))) await standIn(docker, ref, report);
  if (local) await removeReplaced(docker, local.Id);
  return provided(ref, await docker.getImage(ref).inspect());
}

/**
 * The same for a tag whose registry is asked first, so that no older local image answers for it. If the registry does not
 * answer, the local image is used.
 */
export async function provideCurrent(
  docker: Docker,
  ref: string,
  report: (line: string) => void,
  login?: Login,
): Promise<ProvidedImage> {
  const digest = parseReference(ref).digest ?? (await askDigest(docker, ref, report, login));
  if (!digest) return provideImage(docker, ref, report, login);
  return { ...(await provideImage(docker, withDigest(ref, digest), report, login)), digest };
}

/** True for a stand-in whose recipe, versions or certificate authorities have changed since it was assembled. */
async function isOutdated(ref: string, image: Docker.ImageInspectInfo): Promise<boolean> {
  const print = image.Config.Labels?.[RECIPE_LABEL];
  const recipe = print ? usableRecipe(ref) : undefined;
  return recipe !== undefined && (await fingerprint(recipe)) !== print;
}

/** A stand-in that this user cannot assemble again, because a tool is missing, serves as it is. */
function usableRecipe(ref: string): Recipe | undefined {
  try {
    return recipeFor(ref);
  } catch (error) {
    if (error instanceof ImageError && error.code === "MISSING_TOOL") return undefined;
    throw error;
  }
}

async function standIn(docker: Docker, ref: string, report: (line: string) => void): Promise<void> {
  const recipe = recipeFor(ref);
  if (!recipe) {
    const { registry, digest } = parseReference(ref);
    const reason = digest ? "a name with a digest has no stand-in" : "there is no recipe for a stand-in";
    throw new ImageError(
      "NO_REGISTRY",
      `${ref} is not in the local Docker, ${registry} does not answer, and ${reason}. ` +
        `Copy it from a machine that has it with: docker save ${ref} | docker load`,
    );
  }
  report(`${ref}: no registry answers, using a stand-in`);
  const name = await assemble(docker, recipe, report);
  const cut = ref.lastIndexOf(":");
  const named = cut > ref.lastIndexOf("/");
  await docker
    .getImage(name)
    .tag({ repo: named ? ref.slice(0, cut) : ref, tag: named ? ref.slice(cut + 1) : "latest" });
}

function provided(ref: string, image: Docker.ImageInspectInfo): ProvidedImage {
  // An image built on a stand-in inherits its labels but is not one: only upstream names have stand-ins.
  const inside = hasRecipe(ref) ? image.Config.Labels?.[STAND_IN_LABEL] : undefined;
  const { tag, registry, repository } = parseReference(ref);
  const digest = (image.RepoDigests ?? [])
    .map(parseReference)
    .find((pulled) => pulled.registry === registry && pulled.repository === repository)?.digest;
  return {
    id: image.Id,
    ...(inside && { standIn: `${inside} (stand-in for ${tag})` }),
    ...(digest && { digest }),
  };
}
