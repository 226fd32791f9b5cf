import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { baseImages } from "../../engine/src/docker/build.ts";
import { hasRecipe } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("pinned versions", () => {
  test("the Dockerfile's runtime uses the Python image of versions.ts", () => {
    expect(baseImages(read("app/Dockerfile"))).toContain(images.python);
  });

  test("every image of the pipeline and the Dockerfile has a recipe for a stand-in", () => {
    const used = [...Object.values(images), ...baseImages(read("app/Dockerfile"))];
    expect(used.filter((ref) => !hasRecipe(ref))).toEqual([]);
  });

  test("backups are copied by the rclone image of versions.ts", () => {
    expect(read("scripts/host/s3")).toContain(`:-${images.rclone}}`);
  });

  test("no image is pinned to a moving tag", () => {
    expect(Object.values(images).filter((ref) => !/:[^:]*\d/.test(ref))).toEqual([]);
  });

  test("the module's packages are those of the workspace, on which the embedded engine runs it", () => {
    const { dependencies } = JSON.parse(read("package.json"));
    const module = JSON.parse(read("ci/package.json")).dependencies;
    expect(dependencies).toMatchObject(module);
    expect(JSON.parse(read("ci/package-lock.json")).packages[""].dependencies).toEqual(module);
  });

  test("the SDK, dagger.json and the embedded engine have the same release", async () => {
    const { ENGINE_VERSION } = await import("../../engine/src/version.ts");
    expect(`v${JSON.parse(read("package.json")).dependencies["@dagger.io/dagger"]}`).toBe(ENGINE_VERSION);
    expect(JSON.parse(read("dagger.json")).engineVersion).toBe(ENGINE_VERSION);
  });
});
