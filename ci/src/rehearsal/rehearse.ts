import { randomBytes } from "node:crypto";
import type { Directory } from "@dagger.io/dagger";
import { requireRate } from "../site/arguments.js";
import type { Environment } from "../site/environment.js";
import { releaseFolder } from "../site/release.js";
import { parseSecrets, stackSecrets } from "../site/secrets.js";
import { exitCodeOf, type Payload, runRemote } from "../site/ssh-connection.js";
import { checkApplication } from "../stack/application.js";
import type { Application } from "../stack/image.js";
import { type DisposableVm, startDisposableVm } from "./disposable-vm.js";
import { LoadGenerator } from "./load.js";
import { publishReleases } from "./releases.js";
import { type Step, verdict } from "./results.js";

export interface Rehearsal extends Application {
  /** The whole project. */
  source: Directory;
  /** Requests per second. */
  rate: number;
}

/** A step, and how it must end. */
interface Plan {
  name: string;
  run: () => Promise<Outcome>;
  /** "ok" unless stated. */
  ends?: Outcome;
}

type Outcome = "ok" | "refused";

/**
 * The same deploy, rollback and restore as on a production machine, on a disposable VM under load.
 * @returns a table of the steps, their duration and the number of failed requests.
 * @throws Error with the table when a request failed or a step had an unexpected outcome.
 */
export async function rehearse({ app, netrc, source, rate }: Rehearsal): Promise<string> {
  requireRate(rate);
  await checkApplication(app);
  const vm = await startDisposableVm(source.directory("scripts/vm"), source.directory("scripts/host"));
  const load = new LoadGenerator(source, vm.service, rate);
  try {
    const releases = await publishReleases(vm, { app, netrc }, source);
    await load.start();
    const steps = await runSteps(plan(vm, source, releases), load);
    return verdict(steps, await load.report());
  } finally {
    await load.stop();
    await vm.service.stop();
  }
}

function plan(vm: DisposableVm, source: Directory, [first, second]: [string, string]): Plan[] {
  const release = payloads(vm, source);
  const succeeds = async (args: readonly string[], payload?: Payload): Promise<Outcome> => {
    await runRemote(vm, args, payload);
    return "ok";
  };
  // A failure that is expected is not one of the pipeline.
  const ends = async (args: readonly string[], payload: Payload): Promise<Outcome> =>
    (await exitCodeOf(vm, args, payload)) === 0 ? "ok" : "refused";
  return [
    { name: "first deploy", run: () => succeeds(["deploy"], release(first)) },
    { name: "second deploy", run: () => succeeds(["deploy"], release(second)) },
    { name: "nothing changed", run: () => succeeds(["deploy"], release(second)) },
    {
      name: "configuration change",
      run: () => succeeds(["deploy"], release(second, { LOG_LEVEL: "WARNING" })),
    },
    {
      name: "release that is never healthy",
      run: () => ends(["deploy"], release(first, { WEB_CONCURRENCY: "many" })),
      ends: "refused",
    },
    { name: "rollback", run: () => succeeds(["rollback"]) },
    { name: "backup", run: () => succeeds(["backup"]) },
    { name: "restore", run: async () => succeeds(["restore", await newestBackup(vm)]) },
  ];
}

/** What a deploy of an image sends. */
function payloads(vm: DisposableVm, source: Directory) {
  const secrets = stackSecrets(randomSecrets());
  return (image: string, settings: Environment["settings"] = {}): Payload => {
    const options = { image, backup: true, sent: Math.floor(Date.now() / 1000) };
    const release = releaseFolder(source, { ...vm.environment, settings }, options);
    return { secrets, by: "rehearsal", release };
  };
}

async function newestBackup(vm: DisposableVm): Promise<string> {
  const backups = (await runRemote(vm, ["backups"])).trim().split("\n");
  return backups.at(-1)?.split(" ")[0] ?? "";
}

async function runSteps(plans: readonly Plan[], load: LoadGenerator): Promise<Step[]> {
  const steps: Step[] = [];
  for (const { name, run, ends = "ok" } of plans) {
    // Nothing answers requests before the first release.
    if (steps.length > 0) await load.beginPhase(name);
    const started = Date.now();
    const outcome = await run().catch((): Outcome => "refused");
    const seconds = (Date.now() - started) / 1000;
    steps.push({ name, seconds, outcome: outcome === ends ? outcome : `${outcome}!` });
  }
  return steps;
}

function randomSecrets(): Map<string, string> {
  const random = (): string => randomBytes(24).toString("hex");
  return parseSecrets(
    `POSTGRES_DB=drill\nPOSTGRES_USER=drill\nPOSTGRES_PASSWORD=${random()}\nREDIS_PASSWORD=${random()}\nSECRET_KEY=${random()}\nAPI_TOKEN=${random()}\n`,
  );
}
