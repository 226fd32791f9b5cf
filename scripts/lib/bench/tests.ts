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
  /** Returns how long Django says that the tests themselves took, in seconds. */
  test(project: ProjectCopy): Promise<number>;
  /** Makes the tests run again although nothing has changed. */
  forgetResults(): Promise<unknown>;
  /** Stops what a run has left running. */
  stop(project: ProjectCopy): Promise<unknown>;
  remove(project: ProjectCopy): Promise<unknown>;
}

function secondsOfTests({ stdall }: ProcessOutput): number {
  const said = /^Ran \d+ tests? in ([\d.]+)s/m.exec(stdall)?.[1];
  if (said === undefined) throw new Error(`no tests ran:\n${stdall.slice(-2000)}`);
  return Number(said);
}

function pipeline(): Runner {
  const cache = mkdtempSync(join(tmpdir(), "stackline-bench-cache-"));
  const env = { ...process.env, STACKLINE_CACHE: cache, STACKLINE_ENGINE: "embedded", CI: "true" };
  const dagger = $({ quiet: true, cwd: root, env });
  return {
    name: "Stackline",
    test: async ({ app }) => secondsOfTests(await dagger`scripts/dagger call test --app=${app}`),
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
      return secondsOfTests(
        await compose(folder, "run", "-T", "-p", "8000", "--rm", "app", "python", "manage.py", "test"),
      );
    },
    forgetResults: async () => undefined,
    stop: ({ folder }) => compose(folder, ...down),
    remove: ({ folder }) => compose(folder, ...down, "--rmi", "local"),
  };
}

const rerun = "the tests once more";
const desk = `${rerun}, services left running`;
const own = ", what Django says of the tests";
const rest = ", all but that";

type Prepare = (project: ProjectCopy, runner: Runner) => unknown;

const why =
  "the application's own tests are most of it, and the same on both sides; the lines below tell of the rest.";

interface Row {
  name: string;
  goal?: Goal;
  why?: string;
}

const states: (Row & { prepare: Prepare })[] = [
  { name: "cold, base images at hand", goal: most(1.1), prepare: (project) => project.forgetBuilds() },
  { name: "nothing changed", goal: most(0.15), prepare: () => undefined },
  { name: rerun, goal: most(0.7), prepare: (_, runner) => runner.forgetResults(), why },
  { name: "one line of the application", goal: most(0.8), prepare: (project) => project.editLine(), why },
  { name: "one requirement", goal: most(1), prepare: (project) => project.addRequirement() },
];

/** The table's lines. */
const rows: Row[] = [...states, ...[`${rerun}${own}`, `${rerun}${rest}`, desk].map((name) => ({ name }))];

function most(ratio: number): Goal {
  return { of: "ratio", atMost: ratio };
}

/** Values in seconds, by who measured and what. */
class Values {
  private readonly lists = new Map<string, number[]>();

  of({ name }: Runner, what: string): number[] {
    const key = `${name}: ${what}`;
    const list = this.lists.get(key) ?? [];
    this.lists.set(key, list);
    return list;
  }
}

/** Takes a runner through all states in turn, once. */
async function goThrough(runner: Runner, values: Values): Promise<void> {
  const project = await ProjectCopy.make();
  try {
    for (const { name, prepare } of states) {
      await prepare(project, runner);
      let tests = 0;
      const all = await seconds(async () => {
        tests = await runner.test(project);
      });
      values.of(runner, name).push(all);
      values.of(runner, `${name}${own}`).push(tests);
      values.of(runner, `${name}${rest}`).push(all - tests);
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
  async run(rounds) {
    await provideImages();
    const ours = pipeline();
    const peers = [composed(await compose1())];
    const second = await compose2();
    if (second) peers.push(composed(second));
    const values = new Values();
    for (const _ of rounds) {
      await goThrough(ours, values);
      for (const peer of peers) {
        await goThrough(peer, values);
        values.of(peer, desk).push(await again(peer));
      }
    }
    values.of(ours, desk).push(...values.of(ours, rerun));
    return rows.map(({ name, goal, why }): Case => {
      const all = peers.map((peer) => [peer.name, values.of(peer, name)]);
      const item: Case = { name, unit: "s", ours: values.of(ours, name), peers: Object.fromEntries(all) };
      return { ...item, ...(goal && { goal }), ...(why && { why }) };
    });
  },
};
