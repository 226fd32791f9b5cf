import { describe, expect, test } from "vitest";
import {
  imageTags,
  registryOf,
  requirePlatforms,
  requireRepository,
  requireTime,
} from "../src/pipeline/references.ts";

const none = { tags: [], commit: "", branch: "", version: "" };

describe("tags of an image", () => {
  test.each([
    ["those given come as they are", { tags: ["nightly", "x_1.2-3"] }, { own: ["nightly", "x_1.2-3"] }],
    [
      "a commit is 12 digits behind sha-",
      { commit: "0123456789abcdef0123456789abcdef01234567" },
      { own: ["sha-0123456789ab"] },
    ],
    ["a branch loses what no tag may have", { branch: "feature/new page" }, { own: ["feature-new-page"] }],
    [
      "a version opens its series",
      { version: "v1.4.2" },
      { version: ["1.4.2"], moving: ["1.4", "1", "latest"] },
    ],
    ["a pre-release opens none", { version: "2.0.0-rc.1" }, { version: ["2.0.0-rc.1"] }],
    ["build metadata is no part of a tag", { version: "2.0.0-rc.1+5" }, { version: ["2.0.0-rc.1"] }],
    ["each comes once", { tags: ["main"], branch: "main" }, { own: ["main"] }],
    [
      "one that is given does not follow the version",
      { tags: ["latest"], version: "1.4.2" },
      { own: ["latest"], version: ["1.4.2"], moving: ["1.4", "1"] },
    ],
    [
      "the version's own stays protected if it is given as well",
      { tags: ["1.4.2"], version: "1.4.2" },
      { version: ["1.4.2"], moving: ["1.4", "1", "latest"] },
    ],
  ])("%s", (_, sources, expected) => {
    expect(imageTags({ ...none, ...sources })).toEqual({ own: [], version: [], moving: [], ...expected });
  });

  test.each([
    ["no source of a tag", {}, /no tag to publish under/],
    ["an invalid character", { tags: ["a b"] }, /"a b" cannot be a tag/],
    ["an invalid commit", { commit: "main" }, /"main" is not a commit's hash/],
    ["an invalid version", { version: "1.4" }, /"1.4" is not a version/],
    ["a version that is too long", { version: `1.0.0-${"a".repeat(128)}` }, /cannot be a tag/],
    ["a leading zero", { version: "1.04.0" }, /"1.04.0" is not a version/],
  ])("are rejected for %s", (_, sources, message) => {
    expect(() => imageTags({ ...none, ...sources })).toThrow(message);
  });
});

describe("repositories", () => {
  test.each([
    ["you/app", "docker.io"],
    ["app", "docker.io"],
    ["ghcr.io/you/app", "ghcr.io"],
    ["localhost:5000/app", "localhost:5000"],
    ["localhost/app", "localhost"],
    ["[::1]:5000/app", "[::1]:5000"],
    ["you/my__app-web.v2", "docker.io"],
    ["Registry.example.com:5000/team/web/app", "Registry.example.com:5000"],
  ])("%s is on %s", (repository, registry) => {
    expect(registryOf(requireRepository(repository))).toBe(registry);
  });

  test.each([
    "you/app:1.0",
    "you/app@sha256:00",
    "You/App",
    "YOU/app",
    "ghcr.io/You/app",
    "you/a..b",
    "app_/b",
    "you/",
    "",
    "a b",
    "https://ghcr.io/a",
  ])("%j is not a repository", (repository) => {
    expect(() => requireRepository(repository)).toThrow(/is not a repository: .* in lower case/);
  });
});

describe("platforms", () => {
  test("are unchanged, without duplicates", () => {
    expect(requirePlatforms(["linux/amd64", "linux/arm/v7", "linux/amd64"])).toEqual([
      "linux/amd64",
      "linux/arm/v7",
    ]);
  });

  test.each(["arm64", "windows/amd64", "linux/arm64/8", "linux/", ""])("%j is not a platform", (platform) => {
    expect(() => requirePlatforms([platform])).toThrow(/is not a platform: write it like linux\/amd64/);
  });
});

describe("times", () => {
  test.each(["", "2026-11-24T21:04:23Z", "2026-11-24T21:04:23.5+01:00"])("%j is one, or none", (time) => {
    expect(requireTime(time)).toBe(time);
  });

  test.each(["yesterday", "2026-11-24", "1764018263"])("%j is none", (time) => {
    expect(() => requireTime(time)).toThrow(/--created .* is not a time: write it like 2026/);
  });
});
