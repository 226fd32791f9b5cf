import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $, type ProcessOutput } from "zx";
import { type Compose, compose1, compose2, provideImages } from "../../../tests/stack/tools.ts";
import { root } from "../module.ts";
import { type Case, type Figure, type Goal, seconds } from "./figures.ts";
import { ProjectCopy } from "./project.ts";

/** A way to run the tests, starting with no service of the project running. */
interface Runner {
  name: string;
  /** Returns Django's own duration of the tests, in seconds. */
  test(project: ProjectCopy): Promise<number>;
  /** Discards cached results, so that the tests run again although nothing has changed. */
  forgetResults(): Promise<unknown>;
  /** Stops the services that a run leaves running. */
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

/** The command from the README. Compose 2 builds the image itself, because the compose file says `pull_policy: build`. */
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

const rerun = "the tests again";
const desk = `${rerun}, services left running`;
const own = ", the tests alone (Django's figure)";
const rest = ", everything else";

type Prepare = (project: ProjectCopy, runner: Runner) => unknown;

const why =
  "most of it is the application's tests, which take the same time on both sides. The rows below show the rest.";

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

/** The table's rows. */
const rows: Row[] = [...states, ...[`${rerun}${own}`, `${rerun}${rest}`, desk].map((name) => ({ name }))];

function most(ratio: number): Goal {
  return { of: "ratio", atMost: ratio };
}

/** Values in seconds, by runner and row. */
class Values {
  private readonly lists = new Map<string, number[]>();

  of({ name }: Runner, what: string): number[] {
    const key = `${name}: ${what}`;
    const list = this.lists.get(key) ?? [];
    this.lists.set(key, list);
    return list;
  }
}

/** Measures a runner once in each state. */
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

/** The same command again while its services still run, as on a developer's machine. */
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
  how: "Against `docker-compose build` and `docker-compose -p test run ... python manage.py test`. No service runs before, as on a CI runner; the last row is for a developer's machine, where compose has left its services running.",
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
