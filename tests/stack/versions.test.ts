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
