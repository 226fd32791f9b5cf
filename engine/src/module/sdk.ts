import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { digestOf, type Store } from "../store/store.ts";
import { ENGINE_VERSION } from "../version.ts";

const require = createRequire(import.meta.url);

/** Files from which a module's process starts. */
export interface SdkFiles {
  /** Hands the module's files, which are its arguments, to the SDK's entry point. */
  entrypoint: string;
  /** The API's types, under the name by which the SDK knows them for its own. */
  types: string;
  /** Compiler settings that count at run time. */
  tsconfig: string;
}

/** Packages of CommonJS in a bundle of ES modules still ask for these. */
const commonJsNames = `
import { createRequire } from "node:module";
import { dirname as __dirnameOf } from "node:path";
import { fileURLToPath as __pathOf } from "node:url";
const require = createRequire(import.meta.url);
const __filename = __pathOf(import.meta.url);
const __dirname = __dirnameOf(__filename);`;

/**
 * The compiler stays outside the bundle, because it finds its libraries beside itself. It is required, not imported:
 * for an import Node first looks through all of it, in vain, for ES module syntax and for its exports' names.
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

/** tsx is registered after the SDK is loaded: it would look through all of it, which takes four times as long. */
const entrypointSource = `import { entrypoint } from "./sdk.mjs";
import { register } from "tsx/esm/api";

process.stdin.once("end", () => process.exit(1)).on("error", () => process.exit(1)).resume().unref();
register();
await entrypoint(process.argv.slice(2));
`;

/** Changes with the way the bundle is made. */
const recipe = digestOf(entrypointSource, String(makeSdk), String(requireCompiler.setup)).slice(0, 8);

/** Among the packages, so that what the bundle leaves out is found. */
const folder = join(
  dirname(require.resolve("typescript/package.json")),
  "..",
  ".cache",
  "stackline",
  `sdk-${ENGINE_VERSION}-${recipe}`,
);

/**
 * The installed SDK in one file, made once per release: it loads in half the time that its hundreds of files take, as
 * the official engine's own bundle does. The package is not changed.
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
    // Another process was first, with the same content.
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/**
 * The module's own path mappings do not count: `dagger develop` maps the SDK to a copy of its own, and decorators have
 * to reach the copy that the entry point uses.
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
