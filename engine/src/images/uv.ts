import { alpine, base, buildpackDeps } from "./products.ts";
import { python } from "./python.ts";
import type { Recipe } from "./recipe.ts";
import { prepareUv, uvRelease } from "./recipes/uv/prepare.ts";

const BASES = String.raw`(?:python(?<python>3\.\d+)-)?(?<suite>alpine[\d.]*|(?:debian|bullseye|bookworm|trixie)(?<slim>-slim)?)`;

/** `latest`, `0.9`, `0.9.5`, `bookworm-slim`, `0.9-python3.12-alpine` and the like. */
export const UV_TAGS = new RegExp(
  String.raw`^(?:latest|(?:(?<version>\d+\.\d+(?:\.\d+)?)(?:-(?=\w)|$))?(?:${BASES})?)$`,
);

/** uv alone or, if the tag names a base image, on that one's stand-in. */
export function uv(tag: string): Recipe {
  const found = UV_TAGS.exec(tag)?.groups ?? {};
  const variant = uvRelease(found.version);
  const alone: Recipe = {
    name: "uv",
    variant,
    prepare: prepareUv(variant),
    product: "uv",
    version: ["/uv", "--version"],
  };
  if (!found.suite) return alone;
  const from = baseOf(found);
  return {
    name: `uv-on-${from.name}`,
    folder: "uv-on",
    variant: `${variant}-${from.variant}`,
    from,
    copied: alone,
    product: "uv",
    version: ["uv", "--version"],
  };
}

function baseOf({ python: version, suite = "", slim = "" }: Record<string, string | undefined>): Recipe {
  const kind = suite.startsWith("alpine") ? "-alpine" : slim;
  if (version) return python(`${version}${kind}`);
  if (kind === "-alpine") return alpine();
  return kind === "-slim" ? base : buildpackDeps;
}
