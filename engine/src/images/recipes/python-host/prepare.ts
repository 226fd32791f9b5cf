import { cp, readdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { has, run } from "../../host.ts";
import { versionsDir } from "../../pyenv.ts";
import type { Prepare } from "../../recipe.ts";

/** Not needed to run or build anything: tests, Tk (it would need X11), archives, and caches for `python -O`. */
const LEFT_OUT = [
  /^lib\/python[^/]+\/(test|idlelib|tkinter|turtledemo|lib2to3\/tests)(\/|$)/,
  /^lib\/python[^/]+\/(ctypes|distutils|sqlite3|unittest)\/tests?(\/|$)/,
  /^lib\/python[^/]+\/lib-dynload\/(_tkinter|_test|_xxtest|_ctypes_test|xxlimited)/,
  /^(share|bin\/(idle|2to3|pydoc|python[\d.]*-gdb))/,
  /\.a$|\.opt-\d\.pyc$/,
];

/** Only the packaging tools: other packages on the host are not part of Python. */
const PACKAGING = /^(_distutils_hack|distutils-precedence\.pth|pkg_resources|(pip|setuptools|wheel)(-.*)?)$/;

/** True for a file to copy into the image; `path` is relative to the installation's prefix. */
export function belongs(path: string): boolean {
  const site = /^lib\/python[^/]+\/site-packages\/([^/]+)/.exec(path)?.[1];
  return site ? PACKAGING.test(site) : !LEFT_OUT.some((pattern) => pattern.test(path));
}

/** Copies the host's CPython `version` into the build context as `python/`, without what an image doesn't need. */
export const preparePython =
  (version: string): Prepare =>
  async (context) => {
    const prefix = join(versionsDir(), version);
    const target = join(context, "python");
    await cp(prefix, target, {
      recursive: true,
      preserveTimestamps: true, // a compiled module is valid only for its source's modification time
      verbatimSymlinks: true,
      filter: (source) => belongs(relative(prefix, source)),
    });
    await strip(target);
    const python = join(prefix, "bin", "python3");
    const wheel = ["-m", "pip", "download", "-q", "-d", context, "--require-hashes", "-r"];
    const requirements = join(context, "requirements.txt");
    await run(python, [...wheel, requirements], { PIP_DISABLE_PIP_VERSION_CHECK: "1" });
  };

/** Removes debug symbols, two thirds of the binaries' size; a host without binutils keeps them. */
async function strip(target: string): Promise<void> {
  if (!(await has("strip"))) return;
  const files = await readdir(target, { recursive: true, withFileTypes: true });
  const binaries = files
    .filter((file) => file.isFile() && /\.so(\.|$)|^python\d\.\d+$/.test(basename(file.name)))
    .map((file) => join(file.parentPath, file.name));
  await run("strip", ["--strip-unneeded", "--preserve-dates", ...binaries]);
}
