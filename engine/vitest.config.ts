import { defineConfig } from "vitest/config";

/** For a checkout of this folder alone; in the repository the configuration at the root counts. */
export default defineConfig({
  test: {
    tags: [
      { name: "slow", description: "Takes minutes" },
      { name: "release", description: "Takes an hour: run before a release" },
    ],
    projects: [
      {
        test: { name: "pure", include: ["test/**/*.test.ts"], exclude: ["**/*.docker.test.ts"] },
      },
      {
        test: {
          name: "engine",
          include: ["test/**/*.docker.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
