import { Load } from "../../../tests/vm/load.ts";
import { directory, Vm } from "../../../tests/vm/machine.ts";
import { type Case, type Figure, seconds } from "./figures.ts";

const plain = "`docker-compose up -d`";
const RATE = 75;

/** The manual equivalent of a deploy: compose with the other image and the same files, on the same machine. */
function byHand(image: string): string {
  return `APP_IMAGE=${image} docker-compose --project-name stackline --project-directory ${directory}/live --env-file ${directory}/current/release.env --file ${directory}/current/docker-compose.prod.yml up -d`;
}

interface Outcome {
  seconds: number;
  sent: number;
  failed: number;
}

/** Runs work under load. Failures up to 3 s after its end count as well. */
async function underLoad(load: Load, name: string, work: () => Promise<unknown>): Promise<Outcome> {
  await load.begin(name);
  const taken = await seconds(work);
  const { sent, failed, maintenance } = await load.count(name);
  return { seconds: taken, sent, failed: failed + maintenance };
}

/** Adds an outcome to the cases: to the project's values, or to a peer's. */
function collect(cases: Case[], outcome: Outcome, peer?: string): void {
  const values = [outcome.seconds, outcome.failed, outcome.sent];
  for (const [i, item] of cases.entries()) {
    const list = peer === undefined ? item.ours : item.peers[peer];
    list?.push(values[i] as number);
  }
}

/** The rows for one kind of change: duration, failed requests and all requests. */
function casesOf(name: string, withPeer: boolean): Case[] {
  const peers = (): Record<string, number[]> => (withPeer ? { [plain]: [] } : {});
  return [
    { name, unit: "s", ours: [], peers: peers() },
    {
      name: `${name}, failed`,
      unit: "requests",
      ours: [],
      peers: peers(),
      goal: { of: "value", atMost: 0 },
    },
    { name: `${name}, sent`, unit: "requests", ours: [], peers: peers() },
  ];
}

export const rollout: Figure = {
  key: "d",
  title: "Deploy and rollback",
  how: `Deploys another image on a VM that serves ${RATE} requests per second, some of which take 2 s, against ${plain} with that image on the same VM. A response with the maintenance page counts as failed. Plain compose neither backs up the database before nor requests \`/checks\` afterwards.`,
  async run(rounds) {
    const deploys = casesOf("deploy", true);
    const rollbacks = casesOf("rollback", false);
    const vm = await Vm.start();
    const load = new Load();
    try {
      const { good = "", better = "" } = vm.shared.releases;
      const must = async (run: Promise<{ exitCode: number | null; stdall: string }>): Promise<void> => {
        const { exitCode, stdall } = await run;
        if (exitCode !== 0 || stdall.includes("nothing has changed")) throw new Error(stdall);
      };
      await must(vm.deploy({ image: good }));
      await load.start(vm.shared.address, RATE);
      for (const round of rounds) {
        const deploy = () => must(vm.deploy({ image: better }));
        collect(deploys, await underLoad(load, `deploy ${round}`, deploy));
        const back = () => must(vm.stackline("rollback"));
        collect(rollbacks, await underLoad(load, `rollback ${round}`, back));
        collect(deploys, await underLoad(load, `by hand ${round}`, () => vm.must(byHand(better))), plain);
        // Back to the release's image, so that each round starts in the same state.
        await vm.must(byHand(good));
        await vm.until(async () => (await vm.checks()).split("ok").length > 6, "six green checks");
      }
    } finally {
      load.stop();
      await vm.stop();
    }
    return [...deploys, ...rollbacks];
  },
};
