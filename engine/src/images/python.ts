import { ImageError } from "./errors.ts";
import { alpine, base, buildpackDeps } from "./products.ts";
import { installedPython, versionsDir } from "./pyenv.ts";
import type { Recipe } from "./recipe.ts";
import { preparePython } from "./recipes/python-host/prepare.ts";

const SUITES = "(?:buster|bullseye|bookworm|trixie)";

/** `3.12`, `3.12.4-slim-bookworm`, `3-alpine`, `slim`, `latest` and the like. */
export const PYTHON_TAGS = new RegExp(
  String.raw`^(?:latest|(?:(?<version>3(?:\.\d+){0,2})(?:-(?=\w)|$))?(?<kind>slim(?:-${SUITES})?|${SUITES}|alpine[\d.]*)?)$`,
);

const version = ["python3", "--version"];

/** CPython in upstream's flavours: with compilers, slim, or on Alpine's stand-in. */
export function python(tag: string): Recipe {
  const { kind = "" } = PYTHON_TAGS.exec(tag)?.groups ?? {};
  const flavour = /^(slim|alpine)/.exec(kind)?.[0] ?? "full";
  const copied = cpython(tag);
  return {
    name: `python-${flavour}`,
    folder: "python",
    variant: copied.variant,
    from: flavour === "slim" ? base : flavour === "alpine" ? alpine() : buildpackDeps,
    copied,
    product: "CPython",
    version,
  };
}

/** The image that CPython is copied from: the host's. */
function cpython(tag: string): Recipe {
  const wanted = PYTHON_TAGS.exec(tag)?.groups?.version ?? "3";
  const minor = /^3(\.\d+)?/.exec(wanted)?.[0] as string;
  const installed = installedPython(minor);
  if (installed) {
    const prepare = preparePython(installed);
    return { name: "python-host", variant: installed, from: base, prepare, product: "CPython", version };
  }
  throw new ImageError(
    "MISSING_TOOL",
    `No CPython ${minor} in ${versionsDir()} for a stand-in for python:${tag}. Install it with pyenv: pyenv install ${minor}. ` +
      `Or copy the image from a machine that has it: docker save python:${tag} | docker load`,
  );
}
