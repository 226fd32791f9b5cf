// Starts the engine. Its TypeScript is bundled into the cache directory when a source has changed, which halves the start
// time: tsx would compile it at every start.
import { createHash, randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cacheDirectory } from "./src/store/location.mjs";

const self = fileURLToPath(import.meta.url);
const sources = join(dirname(self), "src");
/** Bundles that were not used for this long, in milliseconds, are removed. */
const KEPT = 7 * 24 * 3_600_000;

/** Changes with the size or time of any source, and with the installed packages; no source is read. */
function fingerprint() {
  const packages = dirname(dirname(createRequire(import.meta.url).resolve("typescript/package.json")));
  const installed = statSync(join(packages, ".package-lock.json"), { throwIfNoEntry: false });
  const hash = createHash("sha256").update(String(installed?.mtimeMs));
  const found = readdirSync(sources, { withFileTypes: true, recursive: true })
    .filter((item) => item.isFile() && /\.m?ts$|\.mjs$/.test(item.name))
    .map((item) => join(item.parentPath, item.name));
  for (const path of [self, ...found]) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Modules find files beside them by import.meta.url, which bundling would change. */
const keepUrls = {
  name: "keep-urls",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll(
        "import.meta.url",
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: "ts",
    }));
  },
};

/** Packages are imported by their URL: Node would look for them beside the bundle. */
const packageUrls = {
  name: "package-urls",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (path.startsWith("node:") || pluginData === packageUrls || kind === "entry-point") return undefined;
      const found = await build.resolve(path, { kind, resolveDir, pluginData: packageUrls });
      if (found.errors.length > 0) return found;
      return { path: found.external ? path : pathToFileURL(found.path).href, external: true };
    });
  },
};

/** Other processes may bundle the same at the same time: the file is complete from its first moment. */
async function bundle(entry, target) {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [entry],
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    // Those that Node knows: esbuild adds one of its own.
    conditions: [],
    target: "node20",
    sourcemap: "inline",
    logLevel: "error",
    plugins: [keepUrls, packageUrls],
  });
  const folder = dirname(target);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `${randomUUID()}.tmp`);
  try {
    writeFileSync(temporary, outputFiles[0].contents, { mode: 0o600 });
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
  removeUnused(folder);
}

function removeUnused(folder) {
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    const found = item.isFile() && statSync(path, { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > KEPT) rmSync(path, { force: true });
  }
}

/** A bundle's time is that of its last use, to the day. */
function markUsed(path) {
  const now = new Date();
  if (now.getTime() - statSync(path).mtimeMs > KEPT / 7) utimesSync(path, now, now);
}

/** The file to run: the bundle or, if the cache directory cannot be used, the source: the engine reports the cause. */
async function compiled(name, entry) {
  try {
    const target = join(cacheDirectory(), "code", `${name}-${fingerprint()}.mjs`);
    if (existsSync(target)) markUsed(target);
    else await bundle(entry, target);
    return target;
  } catch (error) {
    // esbuild's: a source does not compile.
    if (error.errors) throw error;
    const { register } = await import("tsx/esm/api");
    register();
    return entry;
  }
}

const [name, ...rest] = process.argv.slice(2);
const program = await compiled(name, join(sources, name === "images" ? "images/main.ts" : "main.ts"));
process.argv.splice(2, Number.POSITIVE_INFINITY, ...rest);
await import(pathToFileURL(program).href);
