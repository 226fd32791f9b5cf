import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { need, run } from "../../host.ts";
import { hostPython } from "../../pyenv.ts";
import type { Prepare } from "../../recipe.ts";

const RELEASES = fileURLToPath(new URL("releases", import.meta.url));

/** The releases whose checksums are kept here, oldest first: version to a line of pip's requirements format. */
const releases = (): Map<string, string> => {
  const lines = readFileSync(RELEASES, "utf8").matchAll(/^uv==(\S+) .*$/gm);
  return new Map([...lines].map(([line, version = ""]) => [version, line]));
};

/**
 * The release for the version in a tag: `0.9` is the newest known 0.9, none is the newest of all.
 * A minor version that is not known stays as it is.
 */
export function uvRelease(version?: string): string {
  const known = [...releases().keys()];
  if (!version) return known.at(-1) as string;
  return known.findLast((release) => release.startsWith(`${version}.`)) ?? version;
}

const CPU = { x64: "x86_64", arm64: "aarch64" }[process.arch as string] ?? process.arch;

/** Downloads uv into the build context as `uv` and `uvx`: the wheel for musl, which is static and runs on every base image. */
export const prepareUv =
  (version: string): Prepare =>
  async (context, report) => {
    const locked = releases().get(version);
    if (!locked)
      report(`uv ${version} is verified with its registry's checksums only: it is not in ${RELEASES}`);
    const requirements = join(context, "requirements.txt");
    const newest = /^\d+\.\d+$/.test(version) ? `${version}.*` : version;
    await writeFile(requirements, `${locked ?? `uv==${newest}`}\n`);
    const target = join(context, "wheel");
    const platforms = ["musllinux_1_1", "musllinux_1_2"].map((name) => `--platform=${name}_${CPU}`);
    const options = ["-q", "--no-deps", "--only-binary=:all:", `--target=${target}`, ...platforms];
    await pip(["install", ...options, "-r", requirements], report);
    for (const name of ["uv", "uvx"]) await rename(join(target, "bin", name), join(context, name));
  };

/** Runs pip with the host's own settings: its package index and certificate authorities. */
async function pip(args: string[], report: (line: string) => void): Promise<void> {
  const env = { PIP_DISABLE_PIP_VERSION_CHECK: "1" };
  // By its path: pyenv's command of that name obeys the .python-version of the current folder.
  const python = hostPython();
  if (python) return void (await run(python, ["-m", "pip", ...args], env));
  await need("pip3", ["python3-pip"], report);
  await run("pip3", args, env);
}
