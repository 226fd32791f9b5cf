import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { baseImages } from "../../engine/src/docker/build.ts";
import { hasRecipe } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("pinned versions", () => {
  test("the Dockerfile's runtime starts from the Python that versions.ts pins", () => {
    expect(baseImages(read("app/Dockerfile"))).toContain(images.python);
  });

  test("every image that the pipeline or the Dockerfile uses has a recipe for where no registry answers", () => {
    const used = [...Object.values(images), ...baseImages(read("app/Dockerfile"))];
    expect(used.filter((ref) => !hasRecipe(ref))).toEqual([]);
  });

  test("backups are copied by the rclone that versions.ts pins", () => {
    expect(read("scripts/host/s3")).toContain(`:-${images.rclone}}`);
  });

  test("no image is pinned to a moving tag", () => {
    expect(Object.values(images).filter((ref) => !/:[^:]*\d/.test(ref))).toEqual([]);
  });

  test("the module's own TypeScript is the one that the workspace compiles with", () => {
    const of = (path: string): string => JSON.parse(read(path)).dependencies.typescript;
    expect(of("ci/package.json")).toBe(of("package.json"));
  });

  test("the SDK, dagger.json and the embedded engine agree on the release", async () => {
    const { ENGINE_VERSION } = await import("../../engine/src/version.ts");
    expect(`v${JSON.parse(read("package.json")).dependencies["@dagger.io/dagger"]}`).toBe(ENGINE_VERSION);
    expect(JSON.parse(read("dagger.json")).engineVersion).toBe(ENGINE_VERSION);
  });
});
