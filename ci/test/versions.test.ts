import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { baseImages } from "../../engine/src/docker/build.ts";
import { hasRecipe } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** With the defaults of its arguments. */
const dockerfile = read("ci/image/Dockerfile");

describe("pinned versions", () => {
  test("the Dockerfile uses the images of Python and uv of versions.ts", () => {
    expect(baseImages(dockerfile)).toEqual(expect.arrayContaining([images.python, images.uv]));
  });

  test("every image of the pipeline and the Dockerfile has a recipe for a stand-in", () => {
    const used = [...Object.values(images), ...baseImages(dockerfile)];
    expect(used.filter((ref) => !hasRecipe(ref))).toEqual([]);
  });

  test("backups are copied by the rclone image of versions.ts", () => {
    expect(read("scripts/host/s3")).toContain(`:-${images.rclone}}`);
  });

  describe("the linters' Python packages", () => {
    const folder = "ci/src/pipeline/requirements";
    const tools = readdirSync(new URL(`../../${folder}`, import.meta.url)).filter((name) =>
      /\.txt$/.test(name),
    );

    test("have a file for each tool that a linter installs", () => {
      const used = [...read("ci/src/pipeline/linters.ts").matchAll(/await python\("([\w-]+)"\)/g)];
      expect(used.map(([, tool]) => `${tool}.txt`).sort()).toEqual([...tools].sort());
    });

    test.each(tools)("%s: pins every package, transitive ones too, by version and hash", (name) => {
      const [, ...packages] = read(`${folder}/${name}`).split(/^(?=[a-z])/m);
      expect(packages.length).toBeGreaterThan(0);
      expect(
        packages.filter((text) => !/^[\w-]+==\S+ \\\n +--hash=sha256:[0-9a-f]{64}\b/.test(text)),
      ).toEqual([]);
      const direct = read(`${folder}/${name.replace(".txt", ".in")}`).trim();
      expect(packages.some((text) => text.startsWith(`${direct} `))).toBe(true);
    });

    test("are installed only with their hashes, and Renovate compiles them again", () => {
      expect(read("ci/src/pipeline/linters.ts")).toContain('"--require-hashes"');
      const [pattern = ""] = JSON.parse(read("renovate.json"))["pip-compile"].managerFilePatterns as string[];
      const matches = new RegExp(pattern.slice(1, -1));
      for (const name of tools) {
        expect(`${folder}/${name}`).toMatch(matches);
        expect(read(`${folder}/${name}`)).toMatch(
          /^# .+\n# {4}uv pip compile .*--generate-hashes .*--output-file=/,
        );
      }
    });
  });

  test("every npm package of a lock file has a checksum", () => {
    for (const path of ["package-lock.json", "ci/package-lock.json"]) {
      const packages = Object.entries<{ link?: boolean; integrity?: string }>(
        JSON.parse(read(path)).packages,
      );
      const others = packages.filter(([name, { link }]) => name.includes("node_modules/") && !link);
      expect(others.length).toBeGreaterThan(0);
      expect(others.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"))).toEqual([]);
    }
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
