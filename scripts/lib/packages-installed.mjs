// Exits with 0 if the folder that is the argument has the packages of its package-lock.json, those for development included,
// by npm's own record of what it installed and by a look at each package's folder.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = process.argv[2];

/** The packages of a lock file by path; undefined if it cannot be read. */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), "utf8")).packages;
  } catch {
    return undefined;
  }
}

const wanted = Object.entries(packagesOf("package-lock.json") ?? {});
const installed = packagesOf("node_modules/.package-lock.json") ?? {};

/** npm leaves out an optional package of another platform. */
const isComplete = ([path, { version, optional }]) => {
  if (!installed[path]) return optional === true;
  return installed[path].version === version && existsSync(join(root, path, "package.json"));
};
const packages = wanted.filter(([path]) => path.startsWith("node_modules/"));
process.exit(packages.length > 0 && packages.every(isComplete) ? 0 : 1);
