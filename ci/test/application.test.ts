import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../../scripts/lib/module.ts";
import { describeMissing, missingFrom } from "../src/stack/application.ts";

describe("the application's folder", () => {
  test("of this repository has what is needed", () => {
    expect(missingFrom(readdirSync(join(root, "app")))).toEqual([]);
    expect(missingFrom(["Dockerfile", "docker/", "manage.py", "requirements.txt", "shop/"])).toEqual([]);
  });

  test.each([
    [
      ["Dockerfile", "docker/", "requirements.txt"],
      [],
      /^the application's folder has no manage\.py: give --app the folder that/,
    ],
    [["Dockerfile", "docker", "manage.py"], [], /has no requirements\.txt: give --app/],
    [[], [], /has no Dockerfile, docker\/, manage\.py, requirements\.txt: /],
    [
      ["backend/"],
      ["backend/manage.py"],
      /has no .*: there is a manage\.py in its folder backend: give --app that folder/,
    ],
  ])("with %j alone is refused with what is missing", (entries, elsewhere, message) => {
    expect(describeMissing(missingFrom(entries), elsewhere)).toMatch(message);
  });
});
