import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { $, glob } from "zx";
import { limitTo } from "../../../engine/src/session/limit.ts";
import config from "../../../vitest.config.ts";
import { type Group, needsRoot, type Plan, type Tier, tiers } from "./plan.ts";
import { countTests, type Result } from "./report.ts";

interface Project {
  name: string;
  include?: string[];
  exclude?: string[];
}

const projects = ((config.test?.projects ?? []) as { test: Project }[]).map(({ test }) => test);

type Counts = Omit<Result, "tier" | "group" | "seconds">;

/** Groups that run at the same time: one per core of a 2-core machine. */
const PARALLEL = 2;

/** Runs the groups of a plan and removes what they left in the file system. */
export async function runPlan({ tier, groups }: Plan): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), "stackline-test-"));
  const run = new Run(tier, folder, groups.length > 1);
  const limit = limitTo(PARALLEL);
  try {
    return await Promise.all(groups.map((group) => limit(() => run.group(group))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Run {
  constructor(
    private readonly tier: Tier,
    private readonly folder: string,
    /** Output of groups that run in parallel cannot be read as it comes: each is printed when its group has ended. */
    private readonly parallel: boolean,
  ) {}

  async group(group: Group): Promise<Result> {
    const title = `== ${this.tier} ${group}`;
    if (needsRoot(this.tier, group) && process.getuid?.() !== 0) {
      console.log(
        `\n${title} is left out: only root can start its Docker daemon: sudo scripts/test ${this.tier} ${group}`,
      );
      return { tier: this.tier, group, passed: 0, failures: [], others: {}, skipped: 0, seconds: 0 };
    }
    console.log(`\n${title}${this.parallel ? " starts" : ""}`);
    const started = Date.now();
    const counts = await (group === "app" ? this.application() : this.vitest(group));
    if (this.parallel) console.log(`\n${title}\n${readFileSync(this.log(group), "utf8").trimEnd()}`);
    return { tier: this.tier, group, ...counts, seconds: Math.round((Date.now() - started) / 1000) };
  }

  /** Runs a project of vitest.config.ts. A run that crashes before it can report counts as one failure. */
  private async vitest(project: Group): Promise<Counts> {
    const file = join(this.folder, `${project}.json`);
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const filter = `--tags-filter=${tiers[this.tier]}`;
    const command = ["run", "--project", project, filter, ...reporters, ...filesToLoad(project, this.tier)];
    const { exitCode } = await this.command(project, ["npx", "vitest", ...command]);
    try {
      const counts = countTests(JSON.parse(readFileSync(file, "utf8")), this.tier);
      if (exitCode !== 0 && counts.failures.length === 0)
        counts.failures.push({ name: project, message: `no test failed, but vitest ended with ${exitCode}` });
      return counts;
    } catch {
      return failed(project, "vitest crashed before it could report");
    }
  }

  /** Runs the Django tests through the pipeline, with an empty cache. */
  private async application(): Promise<Counts> {
    const env = { STACKLINE_CACHE: this.cache, STACKLINE_ENGINE: "embedded" };
    const { exitCode, stdout } = await this.command("app", ["scripts/dagger", "call", "test"], env);
    const passed = Number(/^Ran (\d+) tests? in/m.exec(stdout)?.[1] ?? 0);
    if (exitCode !== 0 || passed === 0) return failed("dagger call test", `it ended with ${exitCode}`);
    return { passed, failures: [], others: {}, skipped: 0 };
  }

  private async command(group: Group, words: string[], env: NodeJS.ProcessEnv = {}) {
    const child = $({
      nothrow: true,
      quiet: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, STACKLINE_TEST_CACHE: this.cache, ...env },
    })`${words}`;
    const log = createWriteStream(this.log(group), { flags: "a" });
    for (const stream of [child.stdout, child.stderr]) {
      stream.pipe(log, { end: false });
      if (!this.parallel) stream.pipe(process.stdout, { end: false });
    }
    const result = await child;
    await finished(log.end());
    return result;
  }

  /** Cache of the application's image and tests, for all groups of the tier. Empty at the start. */
  private get cache(): string {
    return join(this.folder, "cache");
  }

  private log(group: Group): string {
    return join(this.folder, `${group}.log`);
  }
}

/** Files that the fast tier has to load: loading one whose tests are all slow takes seconds for nothing. */
function filesToLoad(project: Group, tier: Tier): string[] {
  if (tier !== "fast") return [];
  const { include = [], exclude = [] } = projects.find(({ name }) => name === project) ?? {};
  return glob.sync(include, { ignore: ["**/node_modules/**", ...exclude] }).filter(isFast);
}

const isFast = (path: string): boolean => !/@module-tag (slow|release)/.test(readFileSync(path, "utf8"));

function failed(name: string, message: string): Counts {
  return { passed: 0, failures: [{ name, message }], others: {}, skipped: 0 };
}
