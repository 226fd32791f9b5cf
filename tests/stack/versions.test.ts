import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { images } from "../../ci/src/versions.ts";
import { root } from "./tools.ts";

test.each(["docker-compose.yml", "docker-compose.prod.yml"])(
  "%s names the images that versions.ts pins",
  (file) => {
    const { services } = parse(readFileSync(`${root}${file}`, "utf8"), { merge: true });
    for (const name of ["postgres", "redis", "kafka", "nginx"] as const)
      expect(services[name].image.replace(/^\$\{\w+:-(.*)\}$/, "$1")).toBe(images[name]);
  },
);

test("a service that is slow to start has as much time in development as in production", () => {
  const [development, production] = ["docker-compose.yml", "docker-compose.prod.yml"].map(
    (file) => parse(readFileSync(`${root}${file}`, "utf8"), { merge: true }).services,
  );
  for (const name of Object.keys(development))
    expect([name, development[name].healthcheck?.start_period]).toEqual([
      name,
      production[name].healthcheck?.start_period,
    ]);
});
