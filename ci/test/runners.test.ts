import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Engine } from "../../engine/src/engine.ts";
import { openModule, root } from "../../scripts/lib/module.ts";
import { daggerCommands, faultOf } from "./command-lines.ts";

const files = [
  ".github/workflows/pipeline.yml",
  ".gitlab-ci.yml",
  ".circleci/config.yml",
  "bitbucket-pipelines.yml",
  "azure-pipelines.yml",
  "Jenkinsfile",
];
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const released = JSON.parse(read("dagger.json")).engineVersion.slice(1);

let engine: Engine;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ engine, close } = await openModule());
}, 60_000);
afterAll(() => close());

describe.each(files)("%s", (file) => {
  const commands = daggerCommands(read(file));
  const called = commands.map(([, name]) => name);

  test("calls only existing functions and flags", () => {
    const faults = commands.map((words) => faultOf(engine, words));
    expect(faults.filter(Boolean)).toEqual([]);
  });

  test("runs ci, stores its report, publishes, and deploys to staging and production", () => {
    expect(called).toEqual(expect.arrayContaining(["ci", "ci-report", "publish", "deploy"]));
    const deploys = commands.filter(([, name]) => name === "deploy");
    expect(deploys.map((words) => words.find((word) => word.startsWith("--env=")))).toEqual([
      "--env=staging",
      "--env=prod",
    ]);
  });

  test("installs the Dagger release of dagger.json", () => {
    const versions = read(file).matchAll(/(?:DAGGER_VERSION\W+(?:value: )?|version: ")(\d+\.\d+\.\d+)/g);
    expect([...new Set([...versions].map(([, version]) => version))]).toEqual([released]);
  });

  test("passes secrets by variable name or file, never by value", () => {
    const given = commands.flat().filter((word) => /^--(password|ssh-key|secrets)=/.test(word));
    expect(given.length).toBeGreaterThan(0);
    expect(given.filter((word) => !/=(env|file):\/\//.test(word))).toEqual([]);
  });
});

describe("the GitHub workflow", () => {
  const workflow = parse(read(".github/workflows/pipeline.yml"), { merge: true });
  type Step = { uses?: string; run?: string };
  const steps: Step[] = Object.values<{ steps: Step[] }>(workflow.jobs).flatMap((job) => job.steps);

  test("pins every action by commit", () => {
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((name) => !/@[0-9a-f]{40}$/.test(name))).toEqual([]);
  });

  test("passes external input to scripts only through environment variables", () => {
    expect(steps.filter(({ run }) => run?.includes("${{"))).toEqual([]);
  });

  test("has read access to the repository and no other permission", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
  });
});

test("Renovate finds Dagger's version in every file that has it", () => {
  const { customManagers } = JSON.parse(read("renovate.json"));
  const [images, , tools, dagger] = customManagers as { matchStrings: string[] }[];
  const found = (manager: { matchStrings: string[] } | undefined, path: string): string[] =>
    (manager?.matchStrings ?? []).flatMap((pattern) =>
      [...read(path).matchAll(new RegExp(pattern, "g"))].map(({ groups }) => groups?.currentValue ?? ""),
    );
  for (const path of [...files, "dagger.json"]) {
    expect(found(dagger, path).length, path).toBe(read(path).split(released).length - 1);
  }
  expect(found(images, "ci/src/versions.ts").length).toBeGreaterThanOrEqual(9);
  expect(found(tools, "ci/src/versions.ts").length).toBeGreaterThanOrEqual(4);
});

test("Renovate keeps the images current that an environment pins by digest", () => {
  const managers: { managerFilePatterns: string[]; matchStrings: string[] }[] = JSON.parse(
    read("renovate.json"),
  ).customManagers;
  const ours = managers.filter(({ managerFilePatterns: [files = ""] }) =>
    new RegExp(files.slice(1, -1)).test("environments/prod.json"),
  );
  const digest = `sha256:${"a".repeat(64)}`;
  const settings = {
    NGINX_IMAGE: `docker.io/library/nginx:1.28-bookworm@${digest}`,
    REDIS_IMAGE: "redis:7-alpine",
    WORD: `a:b@${digest}`,
  };
  const found = ours
    .flatMap(({ matchStrings }) => matchStrings)
    .flatMap((pattern) =>
      [...JSON.stringify({ settings }, null, 2).matchAll(new RegExp(pattern, "g"))].map(({ groups }) => ({
        ...groups,
      })),
    );
  expect(found).toEqual([
    { depName: "docker.io/library/nginx", currentValue: "1.28-bookworm", currentDigest: digest },
  ]);
});
