import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $, type ProcessOutput } from "zx";
import { type Compose, compose1, compose2, provideImages } from "../../../tests/stack/tools.ts";
import { root } from "../module.ts";
import { type Case, type Figure, type Goal, seconds } from "./figures.ts";
import { ProjectCopy } from "./project.ts";

/** Somebody who runs the tests, from a state in which nothing of the project is running. */
interface Runner {
  name: string;
  test(project: ProjectCopy): Promise<unknown>;
  /** Makes the tests run again although nothing has changed. */
  forgetResults(): Promise<unknown>;
  /** Stops what a run has left running. */
  stop(project: ProjectCopy): Promise<unknown>;
  remove(project: ProjectCopy): Promise<unknown>;
}

function requireTests(run: ProcessOutput): void {
  if (!/^Ran \d+ tests? in/m.test(run.stdall)) throw new Error(`no tests ran:\n${run.stdall.slice(-2000)}`);
}

function pipeline(): Runner {
  const cache = mkdtempSync(join(tmpdir(), "stackline-bench-cache-"));
  const env = { ...process.env, STACKLINE_CACHE: cache, STACKLINE_ENGINE: "embedded", CI: "true" };
  const dagger = $({ quiet: true, cwd: root, env });
  return {
    name: "Stackline",
    test: async ({ app }) => requireTests(await dagger`scripts/dagger call test --app=${app}`),
    forgetResults: () => dagger`scripts/dagger prune --results`,
    stop: async () => undefined,
    remove: async () => rmSync(cache, { recursive: true, force: true }),
  };
}

/** The line of the contract. Version 2 builds by itself, as the compose file asks. */
function composed({ version, command, env }: Compose): Runner {
  const project = `bench${version.split(".")[0]}`;
  const compose = (folder: string, ...args: string[]) =>
    $({ quiet: true, cwd: folder, env })`${[...command, "-p", project, ...args]}`;
  const down = ["down", "--volumes", "--timeout", "1"];
  return {
    name: `compose ${version}`,
    test: async ({ folder }) => {
      if (version.startsWith("1.")) await compose(folder, "build");
      requireTests(
        await compose(folder, "run", "-T", "-p", "8000", "--rm", "app", "python", "manage.py", "test"),
      );
    },
    forgetResults: async () => undefined,
    stop: ({ folder }) => compose(folder, ...down),
    remove: ({ folder }) => compose(folder, ...down, "--rmi", "local"),
  };
}

type Prepare = (project: ProjectCopy, runner: Runner) => unknown;

const states: { name: string; goal: Goal; prepare: Prepare; why?: string }[] = [
  { name: "cold, base images at hand", goal: most(1.1), prepare: (project) => project.forgetBuilds() },
  { name: "nothing changed", goal: most(0.15), prepare: () => undefined },
  { name: "the tests once more", goal: most(0.7), prepare: (_, runner) => runner.forgetResults() },
  { name: "one line of the application", goal: most(0.8), prepare: (project) => project.editLine() },
  { name: "one requirement", goal: most(1), prepare: (project) => project.addRequirement() },
];

function most(ratio: number): Goal {
  return { of: "ratio", atMost: ratio };
}

/** Takes a runner through all states in turn, once. */
async function goThrough(runner: Runner, add: (state: string, value: number) => void): Promise<void> {
  const project = await ProjectCopy.make();
  try {
    for (const { name, prepare } of states) {
      await prepare(project, runner);
      add(name, await seconds(() => runner.test(project)));
      await runner.stop(project);
    }
  } finally {
    await runner.remove(project);
    project.remove();
  }
}

/** The contract's line again while its services still run, as at a developer's desk. */
async function again(runner: Runner): Promise<number> {
  const project = await ProjectCopy.make();
  try {
    await runner.test(project);
    return await seconds(() => runner.test(project));
  } finally {
    await runner.remove(project);
    project.remove();
  }
}

export const tests: Figure = {
  key: "a",
  title: "`call test`",
  how: "Against `docker-compose build` and the contract's line, `docker-compose -p test run ... python manage.py test`. Nothing of the project runs before, as on a CI runner; the last line is for a desk, where compose has left its services running.",
  async run(count) {
    await provideImages();
    const peers = [composed(await compose1())];
    const second = await compose2();
    if (second) peers.push(composed(second));
    const cases: Case[] = states.map(({ name, goal, why }) => ({
      name,
      unit: "s",
      ours: [],
      peers: Object.fromEntries(peers.map((peer) => [peer.name, []])),
      goal,
      ...(why && { why }),
    }));
    const find = (name: string): Case => cases.find((item) => item.name === name) as Case;
    const desk: Case = { name: "the tests once more, services left running", unit: "s", ours: [], peers: {} };
    for (let round = 0; round < count; round++) {
      await goThrough(pipeline(), (state, value) => find(state).ours.push(value));
      for (const peer of peers) {
        await goThrough(peer, (state, value) => find(state).peers[peer.name]?.push(value));
        desk.peers[peer.name] = [...(desk.peers[peer.name] ?? []), await again(peer)];
      }
    }
    desk.ours = find("the tests once more").ours;
    return [...cases, desk];
  },
};
