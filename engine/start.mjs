// Starts the engine. Its TypeScript is bundled into node_modules/.cache when a source has changed, which halves the start
// time: tsx would compile it at every start.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const engine = dirname(fileURLToPath(import.meta.url));
const sources = join(engine, "src");
/** The node_modules folder of this package, or of the workspace that it belongs to. */
const packages = dirname(dirname(createRequire(import.meta.url).resolve("typescript/package.json")));
const cache = join(packages, ".cache", "stackline");

/** Changes with the size or time of any source; no source is read. */
function fingerprint() {
  const installed = statSync(join(packages, ".package-lock.json"), { throwIfNoEntry: false });
  const hash = createHash("sha256").update(String(installed?.mtimeMs));
  for (const item of readdirSync(sources, { withFileTypes: true, recursive: true })) {
    if (!item.isFile() || !item.name.endsWith(".ts")) continue;
    const path = join(item.parentPath, item.name);
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

async function bundle(entry, target) {
  const { build } = await import("esbuild");
  mkdirSync(cache, { recursive: true });
  const temporary = `${target}.${process.pid}.mjs`;
  await build({
    entryPoints: [entry],
    outfile: temporary,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    target: "node20",
    sourcemap: "inline",
    logLevel: "error",
    plugins: [keepUrls],
  });
  const name = target.slice(cache.length + 1).split("-")[0];
  for (const old of readdirSync(cache)) {
    if (old.startsWith(`${name}-`) && !temporary.endsWith(old)) rmSync(join(cache, old), { force: true });
  }
  renameSync(temporary, target);
}

const [name, ...rest] = process.argv.slice(2);
const entry = join(sources, name === "images" ? "images/main.ts" : "main.ts");
const target = join(cache, `${name === "images" ? "images" : "engine"}-${fingerprint()}.mjs`);
if (!existsSync(target)) await bundle(entry, target);
process.argv.splice(2, Number.POSITIVE_INFINITY, ...rest);
await import(pathToFileURL(target).href);
