import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { images } from "../../ci/src/versions.ts";
import { baseImages } from "../../engine/src/docker/build.ts";
import { hasRecipe, usedImages } from "../../engine/src/images/recipes.ts";

test("scripts/images provides by default what the module and the application's Dockerfile name", () => {
  const dockerfile = readFileSync(new URL("../../ci/image/Dockerfile", import.meta.url), "utf8");
  const bases = baseImages(dockerfile);
  expect([...usedImages].sort()).toEqual([...new Set([...Object.values(images), ...bases])].sort());
  expect(usedImages.filter((ref) => !hasRecipe(ref))).toEqual([]);
});
