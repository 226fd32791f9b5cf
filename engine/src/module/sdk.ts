import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { digestOf, type Store } from "../store/store.ts";
import { ENGINE_VERSION } from "../version.ts";

const require = createRequire(import.meta.url);

/** Files from which a module's process starts. */
export interface SdkFiles {
  /** Passes the module's files, its arguments, to the SDK's entry point. */
  entrypoint: string;
  /** The API's types, under the file name that the SDK recognises as its own. */
  types: string;
  /** Compiler settings for run time. */
  tsconfig: string;
}

/** CommonJS packages in a bundle of ES modules still need these names. */
const commonJsNames = `
import { createRequire } from "node:module";
import { dirname as __dirnameOf } from "node:path";
import { fileURLToPath as __pathOf } from "node:url";
const require = createRequire(import.meta.url);
const __filename = __pathOf(import.meta.url);
const __dirname = __dirnameOf(__filename);`;

/**
 * The compiler stays outside the bundle, because it looks for its libraries beside itself. It is required, not imported:
 * for an import, Node first scans all of it for ES module syntax and for the names of its exports.
 */
const requireCompiler: Plugin = {
  name: "require-compiler",
  setup(build) {
    build.onResolve({ filter: /^typescript$/ }, ({ path, kind }) =>
      kind === "require-call" ? { path, external: true } : { path, namespace: "required" },
    );
    build.onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** tsx is registered after the SDK is loaded: otherwise it scans the SDK, which takes four times as long. */
const entrypointSource = `import { entrypoint } from "./sdk.mjs";
import { register } from "tsx/esm/api";

process.stdin.once("end", () => process.exit(1)).on("error", () => process.exit(1)).resume().unref();
register();
await entrypoint(process.argv.slice(2));
`;

/** Changes with the code that creates the bundle. */
const recipe = digestOf(entrypointSource, String(makeSdk), String(requireCompiler.setup)).slice(0, 8);

/** Inside node_modules, so that packages outside the bundle are found. */
const folder = join(
  dirname(require.resolve("typescript/package.json")),
  "..",
  ".cache",
  "stackline",
  `sdk-${ENGINE_VERSION}-${recipe}`,
);

/**
 * The installed SDK bundled into one file, once per release. The bundle loads in half the time of the SDK's hundreds of
 * files; the official engine uses a bundle too. The package itself is not changed.
 */
export async function provideSdk(store: Store, source: string): Promise<SdkFiles> {
  if (!existsSync(folder)) await makeSdk();
  return {
    entrypoint: join(folder, "entrypoint.mjs"),
    types: join(folder, "client.gen.ts"),
    tsconfig: writeTsconfig(store, source),
  };
}

async function makeSdk(): Promise<void> {
  const temporary = `${folder}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  const { build } = await import("esbuild");
  const main = require.resolve("@dagger.io/dagger");
  await build({
    entryPoints: [main],
    outfile: join(temporary, "sdk.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: { js: commonJsNames },
    plugins: [requireCompiler],
    logLevel: "error",
  });
  copyFileSync(join(dirname(main), "api", "client.gen.d.ts"), join(temporary, "client.gen.ts"));
  writeFileSync(join(temporary, "package.json"), '{"type":"module"}');
  writeFileSync(join(temporary, "entrypoint.mjs"), entrypointSource);
  try {
    renameSync(temporary, folder);
  } catch (error) {
    // Another process created the same bundle first.
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/**
 * The module's own path mappings are ignored: `dagger develop` maps the SDK to a copy, but decorators have to
 * register with the SDK that the entry point uses.
 */
function writeTsconfig(store: Store, source: string): string {
  const path = join(store.path, `tsconfig-${digestOf(folder, source).slice(0, 16)}.json`);
  if (existsSync(path)) return path;
  const compilerOptions = {
    target: "ES2022",
    module: "NodeNext",
    experimentalDecorators: true,
    paths: { "@dagger.io/dagger": [join(folder, "sdk.mjs")] },
  };
  writeFileSync(path, JSON.stringify({ compilerOptions, include: [`${source}/**/*`] }));
  return path;
}
