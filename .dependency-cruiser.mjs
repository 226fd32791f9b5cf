// The direction of imports, held by tests/layers.test.ts. Each list is one stack of layers, top down: a layer may
// import those below it. Imports of types alone count.

/** A folder of the stack, or a file of that name beside the folders. */
const within = (root, layer) => `^${root}/(${layer})(/|\\.m?ts$)`;

/** Rules that forbid each layer to import those above it. */
function oneWay(root, layers) {
  return layers.slice(1).map((layer, i) => ({
    name: `${root}: ${layer} imports nothing above it`,
    severity: "error",
    from: { path: within(root, layer) },
    to: { path: within(root, layers.slice(0, i + 1).join("|")) },
  }));
}

/** What stands beside another layer, or belongs to another package, is not imported at all. */
function never(name, from, to) {
  return { name, severity: "error", from: { path: from }, to: { path: to } };
}

export const engineLayers = [
  "main",
  "cli",
  "engine",
  "module",
  "api",
  "session",
  "docker",
  "images",
  "git",
  "client",
  "core",
  "store|schema",
];

export const moduleLayers = [
  "index",
  "adopt",
  "rehearsal",
  "site",
  "pipeline",
  "stack",
  "packaging",
  "project",
  "versions",
];

export default {
  forbidden: [
    {
      name: "no cycles",
      severity: "error",
      from: { path: "^(engine|ci|scripts|tests)/" },
      to: { circular: true },
    },
    ...oneWay("engine/src", engineLayers),
    ...oneWay("ci/src", moduleLayers),
    never("engine: store and schema are independent", "^engine/src/store/", "^engine/src/schema/"),
    never("engine: schema and store are independent", "^engine/src/schema/", "^engine/src/store/"),
    never("engine: a package of its own", "^engine/", "^(ci|scripts|tests|app)/"),
    never("ci: what users run needs no other part", "^ci/src/", "^(engine|scripts|tests|app)/"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(node_modules|ci/sdk)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
