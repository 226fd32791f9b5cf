import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { trustedBundle } from "./authorities.ts";
import type { Recipe } from "./recipe.ts";

const RECIPES = fileURLToPath(new URL("./recipes/", import.meta.url));

/** The folder with the recipe's Dockerfile, the files that it copies, and the code that prepares the build context. */
export const folderOf = (recipe: Recipe): string => join(RECIPES, recipe.folder ?? recipe.name);

/** Hash of a recipe's inputs: its files and version, its base images, and the host's certificate authorities. */
export async function fingerprint(recipe: Recipe): Promise<string> {
  const hash = createHash("sha256");
  hash.update(recipe.from ? await fingerprint(recipe.from) : await trustedBundle());
  if (recipe.copied) hash.update(await fingerprint(recipe.copied));
  hash.update(`${recipe.name} ${recipe.variant}\n`);
  const folder = folderOf(recipe);
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const path of paths.sort()) hash.update(`${path.slice(folder.length)}\n`).update(await readFile(path));
  return hash.digest("hex");
}
