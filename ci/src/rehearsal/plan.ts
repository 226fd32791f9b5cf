import type { Directory } from "@dagger.io/dagger";
import type { Environment } from "../site/environment.js";
import { releaseFolder } from "../site/release.js";
import type { StackSecrets } from "../site/secrets.js";
import { exitCodeOf, type Payload, runRemote } from "../site/ssh-connection.js";
import type { DisposableVm } from "./disposable-vm.js";
import { otherNginx } from "./releases.js";
import type { Interruption } from "./results.js";

/** A step, and how it must end. */
export interface Plan {
  name: string;
  run: () => Promise<Outcome>;
  /** "ok" unless stated. */
  ends?: Outcome;
  /** What visitors may notice; nothing unless stated. */
  interrupts?: Interruption;
}

type Outcome = "ok" | "refused";

/** What a release is made of. */
export interface ReleaseFiles {
  source: Directory;
  /** Its compose file. */
  compose: string;
}

/** The steps of a rehearsal in order. The first one is the first deploy. */
export function planSteps(
  vm: DisposableVm,
  files: ReleaseFiles,
  [first, second]: [string, string],
  secrets: StackSecrets,
): Plan[] {
  const release = payloads(vm, files, secrets);
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
    {
      name: "restore",
      run: async () => succeeds(["restore", await newestBackup(vm)]),
      interrupts: "maintenance",
    },
    // Last, because a rollback to another image of nginx would interrupt the site again.
    {
      name: "another nginx image",
      run: () => succeeds(["deploy"], release(second, { NGINX_IMAGE: otherNginx })),
      interrupts: "gap",
    },
  ];
}

/** What a deploy of an image sends. */
function payloads(vm: DisposableVm, { source, compose }: ReleaseFiles, secrets: StackSecrets) {
  return (image: string, settings: Environment["settings"] = {}): Payload => {
    const options = { image, backup: true, sent: Math.floor(Date.now() / 1000) };
    const release = releaseFolder(source, { ...vm.environment, settings }, compose, options);
    return { secrets, by: "rehearsal", release };
  };
}

async function newestBackup(vm: DisposableVm): Promise<string> {
  const backups = (await runRemote(vm, ["backups"])).trim().split("\n");
  return backups.at(-1)?.split(" ")[0] ?? "";
}
