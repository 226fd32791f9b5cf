import type { Directory } from "@dagger.io/dagger";
import { requireRate } from "../site/arguments.js";
import { composeOf } from "../site/compose-file.js";
import type { Application } from "../stack/image.js";
import { readProject } from "../stack/project.js";
import { startDisposableVm } from "./disposable-vm.js";
import { type Load, LoadGenerator } from "./load.js";
import { type Plan, planSteps } from "./plan.js";
import { quiet, startLoad } from "./rate.js";
import { publishReleases } from "./releases.js";
import { reasonOf, type Step, verdict } from "./results.js";
import { rehearsalSecrets } from "./secrets.js";

export interface Rehearsal extends Application {
  /** The whole project. */
  source: Directory;
  /** Pages per second; undefined for a share of what the stack can serve. */
  rate?: number | undefined;
}

/**
 * The same deploy, rollback and restore as on a production machine, on a disposable VM under load.
 * @returns a table of the steps, their duration and the number of failed requests.
 * @throws Error with the table when a request failed or a step had an unexpected outcome; its last line is the cause.
 */
export async function rehearse({ app, netrc, source, rate }: Rehearsal): Promise<string> {
  if (rate !== undefined) requireRate(rate);
  const compose = await composeOf(source, await readProject(app), { variables: {} });
  const vm = await startDisposableVm(source.directory("scripts/vm"), source.directory("scripts/host"));
  const load = new LoadGenerator(source, vm.service);
  try {
    const [releases, secrets] = await Promise.all([
      publishReleases(vm, { app, netrc }, source),
      rehearsalSecrets({ app, netrc }, source),
    ]);
    await load.start();
    return await runSteps(planSteps(vm, { source, compose }, releases, secrets), load, rate);
  } finally {
    await load.stop();
    await vm.service.stop();
  }
}

/** Ends at the first step with an unexpected outcome: what follows it would say nothing. */
export async function runSteps(plans: readonly Plan[], load: Load, rate?: number): Promise<string> {
  const steps: Step[] = [];
  let description = "";
  for (const plan of plans) {
    if (steps.length > 0) await load.beginPhase(plan.name);
    const step = await runStep(plan);
    steps.push(step);
    if (step.outcome.endsWith("!")) break;
    // Nothing answers requests before the first release.
    if (steps.length > 1) continue;
    const started = Date.now();
    description = await startLoad(load, rate);
    steps.push({ name: quiet, seconds: (Date.now() - started) / 1000, outcome: "ok" });
  }
  await load.end();
  return verdict({ steps, phases: await load.phases(), kinds: await load.kinds(), load: description });
}

async function runStep({ name, run, ends = "ok", interrupts }: Plan): Promise<Step> {
  const started = Date.now();
  let reason: string | undefined;
  const outcome = await run().catch((error: unknown) => {
    reason = reasonOf(error);
    return "refused" as const;
  });
  if (outcome === "ok" && ends === "refused") reason = "it succeeded, although it must be refused";
  const seconds = (Date.now() - started) / 1000;
  return { name, seconds, outcome: outcome === ends ? outcome : `${outcome}!`, reason, interrupts };
}
