import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { root } from "../../scripts/lib/module.ts";

export const read = (path: string): string => readFileSync(join(root, path), "utf8");
export const yaml = (path: string) => parse(read(path), { merge: true });

/** A step of a job: what it runs and the environment variables that it alone is given. */
export interface Step {
  run?: string;
  uses?: string;
  with?: Record<string, unknown>;
  env?: Record<string, string>;
}

/** A job that deploys. `wide` are the settings that all its steps see. */
export interface DeployJob {
  steps: Step[];
  wide: unknown;
}

type Commands = Record<string, { steps: unknown[] }>;
type CircleStep = string | { run?: string | { command: string } };
type Bitbucket = { step: { deployment?: string; script: string[] } };
type Azure = {
  stage: string;
  variables?: unknown;
  jobs: { strategy?: { runOnce: { deploy: { steps: AzureStep[] } } } }[];
};
type AzureStep = {
  script?: string;
  checkout?: string;
  persistCredentials?: string;
  env?: Record<string, string>;
};

/** The jobs that deploy, for staging and for production, of each runner's file. */
export const deployJobs: Record<string, () => DeployJob[]> = {
  ".github/workflows/pipeline.yml": () => {
    const { env, jobs } = yaml(".github/workflows/pipeline.yml");
    return [jobs.staging, jobs.production].map((job) => ({ steps: job.steps, wide: [env, job.env] }));
  },
  ".gitlab-ci.yml": () => {
    const file = yaml(".gitlab-ci.yml");
    const steps = (job: { script: string[] }): Step[] =>
      [...file.default.before_script, ...job.script].map((run: string) => ({ run }));
    return [file.staging, file.production].map((job) => ({
      steps: steps(job),
      wide: [file.variables, job.variables],
    }));
  },
  ".circleci/config.yml": () => {
    const { commands, jobs, executors } = yaml(".circleci/config.yml");
    return [jobs.staging, jobs.production].map((job) => ({
      steps: circleSteps(job.steps, commands),
      wide: [job.environment, executors],
    }));
  },
  "bitbucket-pipelines.yml": () => {
    const { definitions } = yaml("bitbucket-pipelines.yml");
    const deploys = definitions.steps.filter(({ step }: Bitbucket) => step.deployment);
    return deploys.map(({ step }: Bitbucket) => ({ steps: step.script.map((run) => ({ run })), wide: [] }));
  },
  "azure-pipelines.yml": () => {
    const { stages, variables } = yaml("azure-pipelines.yml");
    return stages.slice(1).map((stage: Azure) => ({
      steps: azureSteps(stage),
      wide: [variables, stage.variables],
    }));
  },
  Jenkinsfile: () =>
    read("Jenkinsfile")
      .split(/^ {4}stage\('/m)
      .slice(2)
      .map(jenkinsJob),
};

function circleSteps(steps: CircleStep[], commands: Commands): Step[] {
  return steps.flatMap((step) => {
    if (typeof step === "string")
      return step in commands ? circleSteps(commands[step]?.steps as CircleStep[], commands) : [];
    const run = typeof step.run === "string" ? step.run : step.run?.command;
    return run === undefined ? [] : [{ run }];
  });
}

const azureSteps = (stage: Azure): Step[] =>
  stage.jobs.flatMap(({ strategy }) =>
    (strategy?.runOnce.deploy.steps ?? []).map(({ script, env }) => ({
      ...(script && { run: script }),
      ...(env && { env }),
    })),
  );

/** Credentials are bound for the `sh` inside withCredentials. */
function jenkinsJob(stage: string): DeployJob {
  const bound = /withCredentials\(\[([\s\S]*?)\]\) \{\s*sh '''([\s\S]*?)'''/.exec(stage);
  const variables = [...(bound?.[1] ?? "").matchAll(/[vV]ariable: '(\w+)'/g)].map(([, name]) => [
    name,
    "bound",
  ]);
  const rest = bound ? stage.replace(bound[0], "") : stage;
  const alone = [...rest.matchAll(/\bsh '([^']+)'/g)].map(([, run]) => ({ run: run as string }));
  return {
    steps: [...alone, { run: bound?.[2] ?? "", env: Object.fromEntries(variables) }],
    wide: rest.match(/credentials\b.*/gi),
  };
}
