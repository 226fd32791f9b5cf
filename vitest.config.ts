import { defineConfig } from "vitest/config";

/** Tests by what they need: nothing (`npm test`), Docker, or Docker and the whole module. */
export default defineConfig({
  test: {
    // By the time they need: scripts/test runs what has no tag, `scripts/test slow` and `scripts/test release` the others.
    tags: [
      { name: "slow", description: "Takes minutes: fault matrices, floods, both versions of compose" },
      { name: "release", description: "Takes too long for every change: run before a release" },
    ],
    projects: [
      {
        test: {
          name: "pure",
          sequence: { groupOrder: 0 },
          include: ["{engine,ci}/test/**/*.test.ts", "tests/**/*.test.ts"],
          exclude: ["**/*.docker.test.ts"],
          // For busy machines: what hangs fails anyway.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "engine",
          sequence: { groupOrder: 1 },
          include: ["{engine/test,tests/engine}/**/*.docker.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "module",
          sequence: { groupOrder: 2 },
          include: ["ci/test/**/*.docker.test.ts"],
          globalSetup: ["ci/test/setup.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // They wait for services to start more than they compute.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "stack",
          sequence: { groupOrder: 3 },
          include: ["tests/stack/**/*.docker.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 900_000,
          // They measure times.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "logs",
          sequence: { groupOrder: 4 },
          include: ["tests/logs/**/*.docker.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "vm",
          sequence: { groupOrder: 5 },
          include: ["tests/vm/**/*.docker.test.ts"],
          globalSetup: ["tests/vm/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          // They share one machine.
          fileParallelism: false,
        },
      },
    ],
  },
});
