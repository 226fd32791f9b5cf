import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { digestOf, type Store } from "../store/store.ts";
import { ENGINE_VERSION } from "../version.ts";
import { clientOf } from "./client.ts";
import type { ModuleTypes } from "./types.ts";

const require = createRequire(import.meta.url);
/** The bundle lies outside the project: it names what stays outside by its path. */
const compiler = require.resolve("typescript");
/** The file that an import of "tsx/esm/api" loads; `require.resolve` gives that of a require, which is another. */
const tsx = join(
  dirname(require.resolve("tsx/package.json")),
  require("tsx/package.json").exports["./esm/api"].import.default,
);

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
      kind === "require-call" ? { path: compiler, external: true } : { path, namespace: "required" },
    );
    build.onLoad({ filter: /.*/, namespace: "required" }, () => ({
      contents: `module.exports = require("typescript");`,
    }));
  },
};

/** tsx is registered after the SDK is loaded: otherwise it scans the SDK, which takes four times as long. */
const entrypointSource = `import { entrypoint } from "./sdk.mjs";
import "./client.mjs";
import { register } from ${JSON.stringify(pathToFileURL(tsx).href)};

process.stdin.once("end", () => process.exit(1)).on("error", () => process.exit(1)).resume().unref();
register();
await entrypoint(process.argv.slice(2));
`;

/** Changes with the code that creates the bundle, and with the packages that it refers to. */
const recipe = digestOf(entrypointSource, compiler, String(makeSdk), String(requireCompiler.setup)).slice(
  0,
  8,
);

/**
 * The installed SDK bundled into one file, once per release. The bundle loads in half the time of the SDK's hundreds of
 * files; the official engine uses a bundle too. The package itself is not changed.
 */
export async function provideSdk(
  store: Store,
  source: string,
  dependencies: readonly ModuleTypes[] = [],
): Promise<SdkFiles> {
  const base = join(store.path, "code", `sdk-${ENGINE_VERSION}-${recipe}`);
  if (!existsSync(base)) await makeSdk(store, base);
  const folder = dependencies.length > 0 ? extendSdk(store, base, dependencies) : base;
  return {
    entrypoint: join(folder, "entrypoint.mjs"),
    types: join(folder, "client.gen.ts"),
    tsconfig: writeTsconfig(store, folder, source),
  };
}

async function makeSdk(store: Store, folder: string): Promise<void> {
  const { build } = await import("esbuild");
  const main = require.resolve("@dagger.io/dagger");
  const { outputFiles } = await build({
    entryPoints: [main],
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: { js: commonJsNames },
    plugins: [requireCompiler],
    logLevel: "error",
  });
  store.writeFolder(folder, {
    "sdk.mjs": outputFiles[0]?.contents ?? "",
    "client.mjs": 'export * from "./sdk.mjs";\n',
    "client.gen.ts": readFileSync(join(dirname(main), "api", "client.gen.d.ts")),
    "package.json": '{"type":"module"}',
    "entrypoint.mjs": entrypointSource,
  });
}

/** The SDK with a client for the dependencies of a module, too. */
function extendSdk(store: Store, base: string, dependencies: readonly ModuleTypes[]): string {
  const client = clientOf(dependencies);
  const folder = `${base}-${digestOf(client).slice(0, 16)}`;
  if (existsSync(folder)) return folder;
  const sdk = join(base, "sdk.mjs");
  store.writeFolder(folder, {
    "sdk.mjs": `export * from ${JSON.stringify(pathToFileURL(sdk).href)};\n`,
    "client.mjs": client,
    "client.gen.ts": readFileSync(join(base, "client.gen.ts")),
    "package.json": '{"type":"module"}',
    "entrypoint.mjs": entrypointSource,
  });
  return folder;
}

/**
 * The module's own path mappings are ignored: `dagger develop` maps the SDK to a copy, but decorators have to
 * register with the SDK that the entry point uses.
 */
function writeTsconfig(store: Store, folder: string, source: string): string {
  const path = join(store.path, `tsconfig-${digestOf(folder, source).slice(0, 16)}.json`);
  if (existsSync(path)) return path;
  const compilerOptions = {
    target: "ES2022",
    module: "NodeNext",
    experimentalDecorators: true,
    paths: { "@dagger.io/dagger": [join(folder, "client.mjs")] },
  };
  store.write(path, JSON.stringify({ compilerOptions, include: [`${source}/**/*`] }));
  return path;
}
