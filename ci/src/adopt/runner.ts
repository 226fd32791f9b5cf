/** CI runners, and the file that each reads. */
export const runners = {
  github: ".github/workflows/pipeline.yml",
  gitlab: ".gitlab-ci.yml",
  circleci: ".circleci/config.yml",
  jenkins: "Jenkinsfile",
  bitbucket: "bitbucket-pipelines.yml",
  azure: "azure-pipelines.yml",
} as const;
export type Runner = keyof typeof runners;

/**
 * The files of some runners; of all if there are none.
 * @throws Error, one line, for an unknown runner.
 */
export function parseRunners(names: readonly string[]): string[] {
  const unknown = names.find((name) => !Object.hasOwn(runners, name));
  if (unknown !== undefined)
    throw new Error(
      `there is no runner ${JSON.stringify(unknown)}: the runners are ${Object.keys(runners).join(", ")}`,
    );
  const chosen = names.length > 0 ? names : Object.keys(runners);
  return [...new Set(chosen)].map((name) => runners[name as Runner]);
}

/** What each function is given of a repository with adopted files. */
const folders: Record<string, string> = {
  ci: "--app=. --source=. --nginx=nginx",
  "ci-report": "--app=. --source=. --nginx=nginx",
  publish: "--app=.",
  deploy: "--app=. --source=. --environments=environments",
};

/** This repository's file of a runner, with calls of the module by its address. */
export function adoptRunner(text: string, module: string): string {
  return text
    .replace(/\bdagger call ([a-z-]+)/g, (_, name) => callOf(module, name))
    .replaceAll("docs/runners.md", `${module.replace(/@.*/, "")}, docs/runners.md`);
}

/** The command for a function of the module, in the adopting repository. */
export const callOf = (module: string, name: string): string =>
  ["dagger", "-m", module, "call", name, folders[name]].filter(Boolean).join(" ");
