import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../engine/src/engine.ts";
import { openModule } from "../../scripts/lib/module.ts";
import { daggerCommands, faultOf } from "./command-lines.ts";
import { deployJobs, read, type Step, yaml } from "./runner-files.ts";

const files = Object.keys(deployJobs);
const SECRETS = ["REGISTRY_PASSWORD", "SSH_PRIVATE_KEY", "STACKLINE_SECRETS"];

let engine: Engine;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ engine, close } = await openModule());
}, 60_000);
afterAll(() => close());

describe.each(files)("%s", (file) => {
  const commands = daggerCommands(read(file));
  const called = commands.map(([, name]) => name);
  const jobs = deployJobs[file]?.() ?? [];

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

  test("downloads nothing itself: scripts/install-dagger does, and verifies the checksum", () => {
    expect(read(file)).not.toMatch(/\b(curl|wget)\b|\| *(sudo .*)?(ba|da)?sh\b/);
    expect(read(file)).toContain("./scripts/install-dagger");
  });

  test("runs nothing in a job with secrets but the installation and the two calls", () => {
    expect(jobs).toHaveLength(2);
    for (const { steps } of jobs) {
      const lines = steps.flatMap(({ run }) => run ?? []);
      expect(lines.filter((line) => /scripts\/install-dagger/.test(line))).toHaveLength(1);
      const names = lines.flatMap((line) => daggerCommands(line)).map(([, name]) => name);
      expect(names).toEqual(["publish", "deploy"]);
      expect(
        lines.filter((line) => !/scripts\/install-dagger|dagger call (publish|deploy) /.test(line)),
      ).toEqual([]);
    }
  });

  test("gives no secret to a whole job, where the runner can give it to one step", () => {
    const wide = JSON.stringify(jobs.map((job) => job.wide));
    expect(SECRETS.filter((name) => wide.includes(name))).toEqual([]);
    expect(wide).not.toMatch(/credentials/i);
    const withSecrets = ({ env = {} }: Step): boolean => SECRETS.some((name) => name in env);
    const steps = jobs.flatMap((job) => job.steps).filter(withSecrets);
    expect(steps.filter(({ run = "" }) => !run.includes("dagger call deploy"))).toEqual([]);
    const byStep = ["Jenkinsfile", "azure-pipelines.yml", ".github/workflows/pipeline.yml"].includes(file);
    expect(steps).toHaveLength(byStep ? 2 : 0);
  });

  test("shares no engine between pull requests and deploys", () => {
    expect(read(file)).not.toContain("DAGGER_RUNNER_HOST");
  });

  test("passes secrets by variable name or file, never by value", () => {
    const given = commands.flat().filter((word) => /^--(password|ssh-key|secrets)=/.test(word));
    expect(given.length).toBeGreaterThan(0);
    expect(given.filter((word) => !/=(env|file):\/\//.test(word))).toEqual([]);
  });
});

describe("the GitHub workflow", () => {
  const workflow = yaml(".github/workflows/pipeline.yml");
  const steps: Step[] = Object.values<{ steps: Step[] }>(workflow.jobs).flatMap((job) => job.steps);
  const actions = steps.flatMap(({ uses }) => uses ?? []);

  test("pins every action by commit, and uses none but GitHub's own", () => {
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((name) => !/^actions\/[\w-]+@[0-9a-f]{40}$/.test(name))).toEqual([]);
  });

  test("passes external input to scripts only through environment variables", () => {
    expect(steps.filter(({ run }) => run?.includes("${{"))).toEqual([]);
  });

  test("has read access to the repository and no other permission", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    const jobs = Object.values<{ permissions?: unknown }>(workflow.jobs);
    expect(jobs.filter(({ permissions }) => permissions)).toEqual([]);
  });

  test("leaves no token in the checkout", () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts).toHaveLength(3);
    expect(checkouts.filter((step) => step.with?.["persist-credentials"] !== false)).toEqual([]);
  });

  test("runs pull requests without secrets: by pull_request, and deploys only behind an environment", () => {
    expect(Object.keys(workflow.on)).toEqual(["pull_request", "push"]);
    const using = Object.values<{ environment?: string }>(workflow.jobs).filter((job) =>
      JSON.stringify(job).includes("secrets."),
    );
    expect(using.map(({ environment }) => environment)).toEqual(["staging", "production"]);
  });
});

test("Azure leaves no token in a checkout", () => {
  const checkouts = read("azure-pipelines.yml").split("- checkout: self\n").slice(1);
  expect(checkouts).toHaveLength(3);
  expect(checkouts.filter((text) => !/^ +persistCredentials: "false"\n/.test(text))).toEqual([]);
});

test("Jenkins deploys on other agents than those that run pull requests", () => {
  const labels = [...read("Jenkinsfile").matchAll(/agent \{ label '(\w+)' \}/g)].map(([, label]) => label);
  expect(labels).toEqual(["docker", "deploy", "deploy"]);
  expect(read("Jenkinsfile")).toContain("  agent none\n");
});

describe("docs/runners.md", () => {
  const page = read("docs/runners.md");
  const [, settings = ""] = page.split("## Keep the secrets from pull requests");

  test.each(["GitHub", "GitLab", "CircleCI", "Jenkins", "Bitbucket", "Azure"])(
    "names the settings of %s that keep secrets from pull requests, with their documentation",
    (runner) => {
      const [, item = ""] =
        new RegExp(`^- \\*\\*${runner}\\*\\*: ((?:.|\\n(?![-\\n]))*)`, "m").exec(settings) ?? [];
      const sources = [...item.matchAll(/\]\[([\w-]+)\]/g)].map(([, name]) => name as string);
      expect(sources.length).toBeGreaterThan(1);
      expect(sources.filter((name) => !new RegExp(`^\\[${name}\\]: https://`, "m").test(page))).toEqual([]);
    },
  );

  test("separates the engines of pull requests and deploys", () => {
    expect(page).toContain("**Never let pull requests and deploys share an engine.**");
    expect(page).not.toMatch(/share one engine/);
  });
});

describe("Renovate", () => {
  const { customManagers } = JSON.parse(read("renovate.json"));
  type Manager = { description: string; matchStrings: string[] };
  const found = (description: RegExp, path: string): string[] => {
    const manager = (customManagers as Manager[]).find((one) => description.test(one.description));
    return (manager?.matchStrings ?? []).flatMap((pattern) =>
      [...read(path).matchAll(new RegExp(pattern, "g"))].map(({ groups }) => groups?.currentValue ?? ""),
    );
  };
  const { engineVersion } = JSON.parse(read("dagger.json"));

  test("finds Dagger's version in dagger.json, and with its checksums in scripts/install-dagger", () => {
    expect(found(/engine version/, "dagger.json")).toEqual([engineVersion.slice(1)]);
    expect(found(/command line/, "scripts/install-dagger")).toEqual([engineVersion, engineVersion]);
  });

  test("finds the pipeline's images", () => {
    expect(found(/Images/, "ci/src/versions.ts").length).toBeGreaterThanOrEqual(9);
  });

  test("no other file names Dagger's release", () => {
    expect(files.filter((path) => read(path).includes(engineVersion.slice(1)))).toEqual([]);
  });
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
